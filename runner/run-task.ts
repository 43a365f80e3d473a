import { pipelineScope } from '../controller/expressions/pipeline-scope.ts';
import type { Failpoint } from '../schemas/failpoints.ts';
import type { Bundle, CompiledBlock, TaskOrder, TaskReport } from '../schemas/generated/types.ts';
import { createConnections } from './connections/connections.ts';
import { folderOf } from './engine/artifacts.ts';
import { createEngine } from './engine/engine.ts';
import { createRelations } from './engine/relations.ts';
import { TaskFailure } from './errors.ts';
import { createProgress, type Progress } from './progress.ts';
import { cancellation, type Ending, endingOf, reportOf } from './report.ts';
import { runBlocks } from './run-blocks.ts';
import { createFindings, type Findings } from './task.ts';
import { startTimeout } from './timeout.ts';

export type RunTaskOptions = {
  readonly order: TaskOrder;
  readonly bundle: Bundle;
  /** What connections may read: variables that they name, and secrets (see schemas/secrets.ts). */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** An existing folder of its own, for what the engine spills and loads keep. */
  readonly scratch: string;
  /** Cancels the task. */
  readonly signal: AbortSignal;
  /** What a person may want to know, a line at a time. */
  readonly log: (line: string) => void;
  readonly progress?: (progress: Progress) => void;
  readonly failpoint: Failpoint;
};

/** Runs one attempt of a task. Never throws: whatever goes wrong stands in the report. */
export async function runTask(options: RunTaskOptions): Promise<TaskReport> {
  const { order, bundle, log } = options;
  const startedAt = new Date();
  const spec = bundle.tasks.find(({ name }) => name === order.task);
  const blocks = bundle.blocks.filter(({ name }) => spec?.blocks.includes(name));
  const findings = createFindings(blocks);
  const timeout = startTimeout(order.timeoutMs);
  const cancelling = AbortSignal.any([options.signal, timeout.signal]);
  let ending: Ending = { outcome: 'Succeeded', reason: null };
  try {
    await runWithin({ ...options, signal: cancelling }, blocks, findings);
  } catch (error) {
    ending = endingOf(reasonFor(error, options.signal, timeout.signal), blocks);
    log(`${ending.reason}: ${ending.error?.message}`);
    if (ending.reason === 'InternalError' && error instanceof Error && error.stack) log(error.stack);
  }
  timeout.clear();
  return reportOf(order, startedAt, ending, { blocks: [...findings.blocks.values()], sample: findings.sample });
}

/** Once a task was told to end, that is why it did, whatever broke on the way. */
function reasonFor(error: unknown, cancelled: AbortSignal, timedOut: AbortSignal): unknown {
  if (timedOut.aborted) return timedOut.reason;
  return cancelled.aborted ? cancellation() : error;
}

async function runWithin(options: RunTaskOptions, blocks: CompiledBlock[], findings: Findings): Promise<void> {
  const { order, bundle, environment, scratch, signal, log, failpoint } = options;
  const spec = bundle.tasks.find(({ name }) => name === order.task);
  if (!spec) throw new TaskFailure('InternalError', `the bundle has no task "${order.task}"`);
  if (order.artifacts === '' && spec.inputs.length + spec.outputs.length > 0) throw noArtifacts(order);
  signal.throwIfAborted();
  const applicationName = `pipewright ${order.run.name}`;
  const connections = createConnections({ bundle, environment, applicationName, signal });
  const { timeZone } = bundle;
  const others = [...new Set(spec.inputs.map((name) => folderOf(order, name)))];
  const engine = await createEngine({ scratch, artifacts: order.artifacts, others, timeZone, signal });
  try {
    const progress = createProgress(log, options.progress ?? (() => {}), () => performance.now());
    const scope = pipelineScope(order, bundle);
    const relations = createRelations(engine);
    const common = { order, bundle, scratch, signal, log, failpoint, findings };
    await runBlocks({ ...common, spec, blocks, scope, engine, relations, connections, progress });
  } finally {
    await connections.close();
    await engine.close();
  }
}

function noArtifacts({ pipeline, task }: TaskOrder): TaskFailure {
  return new TaskFailure(
    'InternalError',
    `task "${task}" hands rows to another task or gets some, and there is no place for them; give the controller a volume for artifacts, or write pipeline "${pipeline}" so that its blocks fuse into one task`,
  );
}
