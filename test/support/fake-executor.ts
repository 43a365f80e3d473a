import type { Executor, LaunchInput, Observation } from '../../controller/executors/port.ts';
import type { Reason, TaskReport } from '../../schemas/generated/types.ts';
import { makeReport } from './report.ts';

type Ended =
  | 'Succeeded'
  | 'Cancelled'
  | { outputs: NonNullable<TaskReport['outputs']> }
  | { reason: TaskReport['reason']; message?: string };
type Ending = Ended | 'gone' | 'silent' | { gone: Reason };

/**
 * An executor without processes: the test says how attempts end. It keeps what it was asked in the order it was asked, and,
 * like the real one, creates an attempt at most once.
 */
export function createFakeExecutor(options: { capacity?: number } = {}) {
  const attempts = new Map<string, Pick<LaunchInput, 'order' | 'task'> & { seen: Observation }>();
  const launches: string[] = [];
  const stopped: string[] = [];
  const fenced: string[] = [];
  let failLaunch: Error | null = null;
  const unfenced = new Map<string, Error | Promise<void>>();

  const executor: Executor = {
    capacity: options.capacity ?? 100,
    async launch({ order, task = {} }) {
      if (failLaunch) throw failLaunch;
      launches.push(order.attemptId);
      if (!attempts.has(order.attemptId)) attempts.set(order.attemptId, { order, task, seen: { state: 'running' } });
    },
    observe: async (ids) => new Map(ids.map((id) => [id, attempts.get(id)?.seen ?? { state: 'absent' }])),
    async stop(id) {
      stopped.push(id);
    },
    async fence(id) {
      const failure = unfenced.get(id);
      if (failure instanceof Error) throw failure;
      await failure;
      fenced.push(id);
      const seen = attempts.get(id)?.seen;
      return seen?.state === 'reported' ? seen.report : null;
    },
    async *logs() {},
    onChange() {},
    async sweep() {},
  };

  function end(id: string, ending: Ending): void {
    const attempt = attempts.get(id);
    if (!attempt) throw new Error(`attempt ${id} was never launched; launched: ${[...attempts.keys()].join(', ')}`);
    if (ending === 'gone') attempt.seen = { state: 'gone', detail: 'exit code 137' };
    else if (ending === 'silent') attempt.seen = { state: 'silent' };
    else if (typeof ending === 'object' && 'gone' in ending)
      attempt.seen = { state: 'gone', detail: 'it is no more', reason: ending.gone };
    else attempt.seen = { state: 'reported', report: report(id, ending) };
  }

  return {
    executor,
    launches,
    stopped,
    fenced,
    end,
    /** Ends every attempt that is running; returns how many. */
    endAll(ending: Ending): number {
      const running = [...attempts].filter(([, attempt]) => attempt.seen.state === 'running');
      for (const [id] of running) end(id, ending);
      return running.length;
    },
    order: (id: string) => attempts.get(id)?.order,
    task: (id: string) => attempts.get(id)?.task,
    running: () => [...attempts].filter(([, attempt]) => attempt.seen.state === 'running').map(([id]) => id),
    failLaunches(error: Error | null) {
      failLaunch = error;
    },
    /** With a promise it takes so long. */
    failFence(id: string, how: Error | Promise<void> | null) {
      if (how === null) unfenced.delete(id);
      else unfenced.set(id, how);
    },
  };
}

function report(attemptId: string, ending: Ended): TaskReport {
  const now = new Date().toISOString();
  const base = makeReport({ attemptId, startedAt: now, finishedAt: now, durationMs: 0 });
  if (ending === 'Succeeded') return base;
  if (ending === 'Cancelled') return { ...base, outcome: 'Cancelled' };
  if ('outputs' in ending) return { ...base, outputs: ending.outputs };
  return { ...base, outcome: 'Failed', reason: ending.reason, error: { message: ending.message ?? 'it failed' } };
}
