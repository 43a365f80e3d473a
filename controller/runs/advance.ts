import type { Phase, Reason, RetryPolicy, TaskPhase } from '../../schemas/generated/types.ts';
import { isSettled } from './phases.ts';
import { judge, type SettledAttempt } from './retry.ts';

export type TaskState = {
  readonly name: string;
  readonly needs: readonly string[];
  readonly phase: TaskPhase;
  readonly reason: Reason | null;
  readonly lost: number;
  readonly retry: RetryPolicy;
  /** That of a `wait` block: its run was admitted because it is over. */
  readonly isWait?: boolean;
  /** The last attempt when it has settled; null while there is none or it is live. */
  readonly settled: (SettledAttempt & { readonly message: string | null }) | null;
};

/** Why live tasks must stop and no new ones may begin. */
export type Ending = 'CancelledByRequest' | 'PipelineRetired' | 'Replaced' | 'TimedOut';

export type RunState = {
  readonly phase: 'Queued' | 'Running';
  /** Null while the run goes on. */
  readonly ending: Ending | null;
  readonly tasks: readonly TaskState[];
};

export type TaskChange = {
  readonly name: string;
  readonly from: TaskPhase;
  readonly phase: TaskPhase;
  readonly reason: Reason | null;
  readonly lost: number;
  /** Only for Ready: wait this long, in ms. */
  readonly afterMs: number;
};

export type Advance = {
  readonly tasks: readonly TaskChange[];
  /** Tasks whose live attempt must be stopped. */
  readonly stop: readonly string[];
  /** Set when every task has settled. */
  readonly settled: { readonly phase: Phase; readonly reason: Reason | null; readonly message: string | null } | null;
};

/** `null`: the condition holds; otherwise why the task does not run. */
export type ConditionOf = (task: string) => null | 'ConditionFalse' | 'ExpressionFailed';

/**
 * Looks at a run whose tasks have news and says what follows. Pure: the same state gives the same answer, so a controller
 * that died before it wrote the answer finds it again. `tasks` are in topological order.
 */
export function advance(run: RunState, conditionOf: ConditionOf): Advance {
  if (run.phase === 'Queued') {
    // It has no tasks yet: they are made when it is admitted.
    return {
      tasks: [],
      stop: [],
      settled: run.ending ? { phase: 'Cancelled', reason: run.ending, message: null } : null,
    };
  }
  const after = new Map<string, TaskState>();
  const changes: TaskChange[] = [];
  const stop: string[] = [];
  for (const task of run.tasks) {
    const change = next(task, run.ending, after, conditionOf);
    if (change) changes.push(change);
    else if (run.ending && task.phase === 'Running') stop.push(task.name);
    after.set(task.name, change ? { ...task, phase: change.phase, reason: change.reason } : task);
  }
  return { tasks: changes, stop, settled: settle([...after.values()], run.ending) };
}

function next(
  task: TaskState,
  ending: RunState['ending'],
  after: ReadonlyMap<string, TaskState>,
  conditionOf: ConditionOf,
): TaskChange | null {
  const change = (
    phase: TaskPhase,
    reason: Reason | null,
    more: { lost?: number; afterMs?: number } = {},
  ): TaskChange => ({
    name: task.name,
    from: task.phase,
    phase,
    reason,
    lost: more.lost ?? task.lost,
    afterMs: more.afterMs ?? 0,
  });
  if (task.phase === 'Running') return task.settled ? afterAttempt(task, task.settled, ending, change) : null;
  if (ending && !isSettled(task.phase)) return change('Cancelled', ending);
  if (task.phase !== 'Pending') return null;
  if (task.isWait) return change('Succeeded', null);
  const needs = task.needs.map((name) => after.get(name));
  if (
    needs.some((need) => need?.phase === 'Failed' || need?.phase === 'Cancelled' || need?.reason === 'UpstreamFailed')
  ) {
    return change('Skipped', 'UpstreamFailed');
  }
  if (needs.some((need) => need?.phase === 'Skipped')) return change('Skipped', 'UpstreamSkipped');
  if (needs.some((need) => need?.phase !== 'Succeeded')) return null;
  const condition = conditionOf(task.name);
  if (condition === 'ConditionFalse') return change('Skipped', condition);
  return condition ? change('Failed', condition) : change('Ready', null);
}

function afterAttempt(
  task: TaskState,
  attempt: SettledAttempt,
  ending: RunState['ending'],
  change: (phase: TaskPhase, reason: Reason | null, more?: { lost?: number; afterMs?: number }) => TaskChange,
): TaskChange {
  if (attempt.phase === 'Succeeded') return change('Succeeded', null);
  if (ending) return change('Cancelled', ending);
  const verdict = judge(attempt, task.lost, task.retry);
  if (verdict.next === 'fail') return change('Failed', verdict.reason, { lost: verdict.lost });
  return change('Ready', attempt.reason, { lost: verdict.lost, afterMs: verdict.afterMs });
}

function settle(tasks: readonly TaskState[], ending: RunState['ending']): Advance['settled'] {
  if (!tasks.every((task) => isSettled(task.phase))) return null;
  const failed = tasks.find((task) => task.phase === 'Failed');
  if (failed) return { phase: 'Failed', reason: failed.reason, message: sentence(failed) };
  if (tasks.some((task) => task.phase === 'Cancelled')) {
    const phase = ending === 'TimedOut' ? 'Failed' : 'Cancelled';
    return { phase, reason: ending ?? 'CancelledByRequest', message: null };
  }
  if (tasks.every((task) => task.phase === 'Skipped' || task.isWait) && tasks.some((task) => !task.isWait))
    return { phase: 'Skipped', reason: 'ConditionFalse', message: null };
  return { phase: 'Succeeded', reason: null, message: null };
}

function sentence(task: TaskState): string {
  return `task "${task.name}": ${task.settled?.message ?? task.reason ?? 'failed'}`;
}
