import type pg from 'pg';
import type { CompiledSchedule, RunRequest } from '../../schemas/generated/types.ts';
import { didYouMean } from '../expressions/suggest.ts';
import { convertVariables } from '../manifests/variables.ts';
import { manualRunName, windowRunName } from '../runs/name.ts';
import type { OpenRequest } from '../store/requests.ts';
import { lockRun, type NewRun, nextManualSeq, queueRun, requestCancel } from '../store/runs.ts';
import { lockPipeline, lockWindow, type NewWindow, type PipelineForRequest, pipelineNames } from '../store/windows.ts';
import { type DueWindow, latestClosedWindow } from '../windows/due.ts';
import { parseWindowStart } from '../windows/select.ts';

/** A request that can't be granted: answered with a sentence, changes nothing. */
export class RefusedError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = 'RefusedError';
    this.code = code;
  }
}

type Scalar = string | number | boolean | null;

/** A `RunRequest` → the next run of that window, or a run without window. Returns the run's name. */
export async function startRun(db: pg.ClientBase, request: OpenRequest): Promise<string> {
  const body = request.body as unknown as RunRequest;
  const pipeline = await findPipeline(db, body.pipeline);
  const variables = givenVariables(pipeline, body.variables ?? {});
  const more = { trigger: 'manual' as const, variables, requestId: request.id, priority: body.priority };
  if (pipeline.schedule && pipeline.calendarId !== null) {
    const window = chooseWindow(pipeline, pipeline.schedule, body.window);
    return (await queueForWindow(db, pipeline, window, more)).run;
  }
  if (body.window !== undefined) {
    throw new RefusedError(
      'no-schedule',
      `pipeline "${pipeline.name}" has no schedule, so it has no windows; leave out the window`,
    );
  }
  const name = manualRunName(pipeline.name, await nextManualSeq(db, pipeline.id));
  const { id: pipelineId, versionId } = pipeline;
  await queueRun(db, {
    name,
    pipelineId,
    versionId,
    ...more,
    runNo: 1,
    window: null,
  });
  return name;
}

/** `{ run }` → the run ends as soon as its tasks have stopped. Cancelling a settled run is refused. */
export async function cancelRun(db: pg.ClientBase, request: OpenRequest): Promise<string> {
  const run = await findRun(db, request.body.run as string);
  if (run.phase !== 'Queued' && run.phase !== 'Running') {
    throw new RefusedError(
      'settled',
      `run "${run.name}" has already ended as ${run.phase}; there is nothing to cancel`,
    );
  }
  await requestCancel(db, run.id, 'CancelledByRequest');
  return run.name;
}

export async function queueForWindow(
  db: pg.ClientBase,
  pipeline: PipelineForRequest,
  window: Omit<NewWindow, 'pipelineId' | 'calendarId'>,
  more: Pick<NewRun, 'trigger' | 'variables' | 'requestId' | 'keepsVersion' | 'rerunOf' | 'priority'>,
): Promise<{ run: string; runId: number }> {
  const head = await lockWindow(db, { ...window, pipelineId: pipeline.id, calendarId: pipeline.calendarId ?? 0 });
  if ('under' in head) {
    throw new RefusedError(
      'bad-window',
      `window ${window.label} of pipeline "${pipeline.name}" lies over window ${head.under}, which an earlier schedule has cut; run that one`,
    );
  }
  if (head.liveRun) {
    throw new RefusedError(
      'live',
      `window ${head.label} of pipeline "${pipeline.name}" has a live run, "${head.liveRun}"; wait for it or cancel it first`,
    );
  }
  const runNo = head.lastRunNo + 1;
  const name = windowRunName(pipeline.name, head.label, runNo);
  const { id: pipelineId, versionId } = pipeline;
  return { run: name, runId: await queueRun(db, { name, pipelineId, versionId, ...more, runNo, window: head }) };
}

function chooseWindow(pipeline: PipelineForRequest, schedule: CompiledSchedule, text: string | undefined): DueWindow {
  const since = pipeline.tookOverAt ? { beginsAt: pipeline.tookOverAt } : {};
  if (text === undefined) {
    const latest = latestClosedWindow(schedule, pipeline.now, since);
    if (latest) return latest;
    throw new RefusedError(
      'no-window',
      `no window of pipeline "${pipeline.name}" has closed yet; name one with --window`,
    );
  }
  const chosen = parseWindowStart(text, schedule, since);
  if ('error' in chosen) throw new RefusedError('bad-window', `pipeline "${pipeline.name}": ${chosen.error}`);
  return chosen.window;
}

export function givenVariables(pipeline: PipelineForRequest, given: Record<string, Scalar>): Record<string, Scalar> {
  const converted = convertVariables(pipeline.details.variables, given);
  if ('error' in converted) throw new RefusedError('bad-variable', `pipeline "${pipeline.name}": ${converted.error}`);
  return converted.values;
}

export async function findPipeline(db: pg.ClientBase, name: string): Promise<PipelineForRequest> {
  const pipeline = await lockPipeline(db, name);
  if (pipeline && !pipeline.retired) return pipeline;
  if (pipeline)
    throw new RefusedError('retired', `pipeline "${name}" is retired: its manifest is gone; bring it back to run it`);
  throw new RefusedError(
    'unknown-pipeline',
    `there is no pipeline "${name}"${didYouMean(name, await pipelineNames(db))}`,
  );
}

export async function findRun(db: pg.ClientBase, name: string) {
  const run = await lockRun(db, name);
  if (!run) throw new RefusedError('unknown-run', `there is no run "${name}"; \`pipewright runs\` lists the newest`);
  return run;
}
