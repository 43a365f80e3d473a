import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { conditionHolds } from '../../runner/condition.ts';
import type { Progress } from '../../runner/progress.ts';
import { runTask } from '../../runner/run-task.ts';
import type { Bundle, CompiledTask, TaskOrder, TaskPhase, TaskReport } from '../../schemas/generated/types.ts';
import type { Environment } from './environment.ts';
import type { LocalPlan } from './plan.ts';

/** How a task ended; `report` is null where it did not run. */
export type TaskOutcome = {
  readonly name: string;
  readonly phase: Extract<TaskPhase, 'Succeeded' | 'Failed' | 'Cancelled' | 'Skipped'>;
  readonly reason: TaskReport['reason'];
  /** Why it could not begin. */
  readonly message: string | null;
  readonly report: TaskReport | null;
};

export type LocalRun = {
  readonly plan: LocalPlan;
  readonly environment: Environment;
  /** A folder for bundle, artifacts and scratch, removed by the caller. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  readonly progress: (progress: Progress) => void;
};

/**
 * Runs the tasks one after the other in this process: once each, since whoever watches would rather see the error than wait
 * for a retry. Yields each as it ends.
 */
export async function* runTasks(run: LocalRun): AsyncGenerator<TaskOutcome> {
  const { bundle, bundleDigest } = run.plan.pipeline;
  const path = join(run.folder, 'bundle.json');
  await writeFile(path, JSON.stringify(bundle));
  await mkdir(join(run.folder, 'artifacts'));
  const outcomes = new Map<string, TaskOutcome>();
  for (const task of bundle.tasks) {
    const order = orderOf(task, run, { digest: bundleDigest, path });
    const outcome = notToRun(task, outcomes, order, bundle, run.signal) ?? (await runOne(task, order, run));
    outcomes.set(task.name, outcome);
    yield outcome;
  }
}

function orderOf(task: CompiledTask, { plan, folder }: LocalRun, bundle: TaskOrder['bundle']): TaskOrder {
  const { pipeline, window, variables } = plan;
  return {
    attemptId: `0.${task.name}.1`,
    // No ledger stands behind this run, so its exports lock their targets and leave no mark.
    ledgerId: '',
    pipeline: pipeline.name,
    run: { id: 0, name: `${pipeline.name}-${window?.label ?? 'local'}`, runNo: 1, trigger: 'manual' },
    task: task.name,
    attempt: 1,
    window,
    variables,
    bundle,
    artifacts: join(folder, 'artifacts'),
    timeoutMs: task.timeoutMs,
    heartbeatMs: 0,
  };
}

/** The rules by which the controller passes a task over; null when it is to run. */
function notToRun(
  { name, needs, when, wait }: CompiledTask,
  outcomes: ReadonlyMap<string, TaskOutcome>,
  order: TaskOrder,
  bundle: Bundle,
  signal: AbortSignal,
): TaskOutcome | null {
  const passed = (
    phase: TaskOutcome['phase'],
    reason: TaskOutcome['reason'],
    message: string | null = null,
  ): TaskOutcome => ({
    name,
    phase,
    reason,
    message,
    report: null,
  });
  if (signal.aborted) return passed('Cancelled', 'CancelledByRequest');
  // Other pipelines have no windows here; what they are to have done is there or not.
  if (wait) return passed('Succeeded', null);
  const upstream = needs.map((need) => outcomes.get(need));
  if (upstream.some((each) => each?.phase === 'Failed' || each?.reason === 'UpstreamFailed'))
    return passed('Skipped', 'UpstreamFailed');
  if (upstream.some((each) => each?.phase !== 'Succeeded')) return passed('Skipped', 'UpstreamSkipped');
  if (when === undefined) return null;
  try {
    return conditionHolds(when, order, bundle) ? null : passed('Skipped', 'ConditionFalse');
  } catch (error) {
    return passed('Failed', 'ExpressionFailed', `task "${name}": when: ${(error as Error).message}`);
  }
}

async function runOne(task: CompiledTask, order: TaskOrder, run: LocalRun): Promise<TaskOutcome> {
  const scratch = join(run.folder, 'scratch', task.name);
  await mkdir(scratch, { recursive: true });
  const { bundle } = run.plan.pipeline;
  const { environment, signal, log, progress } = run;
  const report = await runTask({ order, bundle, environment, scratch, signal, log, progress, failpoint: () => {} });
  return { name: task.name, phase: report.outcome, reason: report.reason, message: null, report };
}
