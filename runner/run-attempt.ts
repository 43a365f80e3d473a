import type { Failpoint } from '../schemas/failpoints.ts';
import type { TaskReport } from '../schemas/generated/types.ts';
import type { Attempt } from './attempt.ts';
import { fitCollectorToStreams } from './collector.ts';
import { cancellation, endingOf, reportOf } from './report.ts';
import { startTimeout } from './timeout.ts';

/** How long a task that was told to end may take to do so, in milliseconds. */
const graceMs = 5000;

/** Runs the attempt that this process has begun, leaves its report, and ends the process. */
export async function runAttempt({ attempt, failpoint }: { attempt: Attempt; failpoint: Failpoint }): Promise<never> {
  fitCollectorToStreams();
  const startedAt = new Date();
  const order = attempt.readOrder();
  const { scratch } = attempt;
  const cancelling = new AbortController();
  process.on('SIGTERM', () => cancelling.abort(cancellation()));
  startBeating(attempt, order.heartbeatMs);

  const finish = (report: TaskReport) => {
    attempt.removeScratch();
    failpoint('runner.before-report');
    // A crash before this line loses the attempt, and another one follows; what this one has committed, the fence at the target
    // knows. After it, the attempt has ended as the report says, whatever becomes of the process.
    attempt.report(report);
    failpoint('runner.after-report');
  };
  const fail = (error: unknown) => finish(reportOf(order, startedAt, endingOf(error, [])));
  endWhenStuck([cancelling.signal, startTimeout(order.timeoutMs).signal], fail);
  process.on('uncaughtException', (error) => {
    log(`InternalError: ${error.stack ?? error}`);
    fail(error);
    process.exit(0);
  });

  const { runTask } = await import('./run-task.ts');
  const bundle = attempt.readBundle(order);
  const { signal } = cancelling;
  finish(await runTask({ order, bundle, environment: process.env, scratch, signal, log, failpoint }));
  // Sockets and threads may still be there; what had to be kept is kept.
  process.exit(0);
}

/** Shows at once, and then every so many milliseconds, that the event loop turns. */
function startBeating(attempt: Attempt, everyMs: number): void {
  let count = 0;
  const beat = () => attempt.beat(++count);
  beat();
  setInterval(beat, everyMs).unref();
}

/** A task that does not end though it was told to is ended with its process. */
function endWhenStuck(told: readonly AbortSignal[], fail: (error: unknown) => void): void {
  const signal = AbortSignal.any([...told]);
  const end = () => {
    log(`the task has not ended ${graceMs / 1000} s after it was told to; ending its process`);
    fail(signal.reason);
    // Not an orderly exit, which would wait for a thread of the engine.
    process.kill(process.pid, 'SIGKILL');
  };
  signal.addEventListener('abort', () => void setTimeout(end, graceMs).unref());
}

function log(line: string): void {
  process.stdout.write(`${new Date().toISOString()} ${line}\n`);
}
