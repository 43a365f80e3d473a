import { gunzipSync } from 'node:zlib';
import type pg from 'pg';
import type { Bundle, RerunRequest } from '../../schemas/generated/types.ts';
import { didYouMean } from '../expressions/suggest.ts';
import { taskForms } from '../manifests/task-forms.ts';
import { manualRunName } from '../runs/name.ts';
import { planRerun, type RerunFrom, type RerunPlan, type RerunTask } from '../runs/take-over.ts';
import type { OpenRequest } from '../store/requests.ts';
import { type FormerTask, readFormerTasks, readVersionBundles, takeOverTasks } from '../store/reruns.ts';
import { nextManualSeq, queueRun, type RunHead } from '../store/runs.ts';
import type { PipelineForRequest } from '../store/windows.ts';
import { findPipeline, findRun, queueForWindow, RefusedError } from './requests.ts';

/** Whether the rows that a run's task handed over still exist; where nobody can tell, that they do. */
export type HasArtifact = (runId: number, block: string) => Promise<boolean>;

export type RerunResult = RerunPlan & { readonly run: string };

/** `{ run, from?, version? }` → a new run of the same window, with the same variables, that takes over what lies before `from`. */
export async function rerun(db: pg.ClientBase, request: OpenRequest, hasArtifact: HasArtifact): Promise<RerunResult> {
  const { run: name, ...body } = request.body as unknown as RerunRequest & { run: string };
  const former = await findRun(db, name);
  if (former.phase === 'Queued' || former.phase === 'Running') {
    throw new RefusedError('live', `run "${former.name}" is still ${former.phase}; wait for it or cancel it first`);
  }
  const today = await findPipeline(db, former.pipeline);
  const pipeline = body.version === 'original' ? { ...today, versionId: former.versionId } : today;
  const plan = await makePlan(db, former, pipeline.versionId, body.from ?? 'start', hasArtifact);
  const more = {
    trigger: 'rerun' as const,
    variables: former.variables,
    requestId: request.id,
    rerunOf: former.id,
    // What was taken over fits the version that it was planned with.
    keepsVersion: body.version === 'original' || plan.taken.length > 0,
  };
  const { run, runId } = await queue(db, former, pipeline, more);
  await takeOverTasks(db, { runId, from: former.id, versionId: pipeline.versionId, tasks: plan.taken });
  return { run, ...plan };
}

async function queue(
  db: pg.ClientBase,
  former: RunHead,
  pipeline: PipelineForRequest,
  more: Parameters<typeof queueForWindow>[3],
): Promise<{ run: string; runId: number }> {
  const { windowStart: start } = former;
  // The window exists, so only its start is looked at.
  if (start !== null)
    return queueForWindow(db, pipeline, { start, end: start, label: '', dueAt: start, deadlineAt: null }, more);
  const run = manualRunName(pipeline.name, await nextManualSeq(db, pipeline.id));
  const { id: pipelineId, versionId } = pipeline;
  return { run, runId: await queueRun(db, { name: run, pipelineId, versionId, ...more, runNo: 1, window: null }) };
}

async function makePlan(
  db: pg.ClientBase,
  former: RunHead,
  versionId: number,
  from: string,
  hasArtifact: HasArtifact,
): Promise<RerunPlan> {
  if (from === 'start') return { taken: [], again: [] };
  const had = await readFormerTasks(db, former.id);
  if (from === 'failed' && former.phase === 'Succeeded')
    throw new RefusedError(
      'nothing-failed',
      `run "${former.name}" has succeeded; run all of it again with --from start`,
    );
  const tasks = await compareTasks(db, had, [former.versionId, versionId]);
  const kept = await keptRows(tasks, had, hasArtifact);
  return planRerun(tasks, startOf(from, tasks, former), (task, block) => kept.has(`${task}/${block}`));
}

/** The tasks of the version that is to run, each with what the former run has of it. */
async function compareTasks(
  db: pg.ClientBase,
  had: readonly FormerTask[],
  [before, now]: [number, number],
): Promise<RerunTask[]> {
  const bundles = await readVersionBundles(db, [before, now]);
  const [then, today] = [bundles.get(before), bundles.get(now)].map((bundle) => bundle && open(bundle.content));
  if (!then || !today) throw new Error(`the bundle of version ${before} or ${now} is gone`);
  const [formsThen, formsNow] = [taskForms(then), taskForms(today)];
  const phases = new Map(had.map((task) => [task.name, task.phase]));
  return today.tasks.map(({ name, blocks, needs, inputs }) => ({
    ...{ name, blocks, needs, inputs },
    formerly: phases.get(name) ?? null,
    isUnchanged: formsThen.get(name) === formsNow.get(name),
  }));
}

function open(content: Buffer): Bundle {
  return JSON.parse(gunzipSync(content).toString('utf8'));
}

/** `TASK/BLOCK` of the rows that other tasks may ask for and that still exist. */
async function keptRows(
  tasks: readonly RerunTask[],
  had: readonly FormerTask[],
  hasArtifact: HasArtifact,
): Promise<Set<string>> {
  const executedBy = new Map(had.map((task) => [task.name, task.executedBy]));
  const asked = new Set(tasks.flatMap(({ inputs }) => inputs));
  const kept = new Set<string>();
  for (const { name, blocks } of tasks) {
    const runId = executedBy.get(name);
    if (runId === undefined) continue;
    for (const block of blocks.filter((each) => asked.has(each)))
      if (await hasArtifact(runId, block)) kept.add(`${name}/${block}`);
  }
  return kept;
}

/** A block stands for its task. */
function startOf(from: string, tasks: readonly RerunTask[], former: RunHead): RerunFrom {
  if (from === 'failed') return from;
  const task = tasks.find(({ name, blocks }) => name === from || blocks.includes(from))?.name;
  if (task !== undefined) return { task };
  const near = didYouMean(from, ['start', 'failed', ...tasks.flatMap(({ blocks }) => blocks)]);
  throw new RefusedError('unknown-task', `run "${former.name}" has no task "${from}" to run from${near}`);
}
