import { rmSync } from 'node:fs';
import type { Failpoint } from '../schemas/failpoints.ts';
import type { Bundle, TaskOrder, TaskReport } from '../schemas/generated/types.ts';
import { fitCollectorToStreams } from './collector.ts';
import { messageOf } from './errors.ts';
import { cancellation, endingOf, reportOf } from './report.ts';
import { startTimeout } from './timeout.ts';

/** How long a task that was told to end may take to do so, in milliseconds. */
const graceMs = 5000;

/** One attempt, whoever gave it to this process. */
export type Assignment = {
  readonly order: TaskOrder;
  readonly readBundle: () => Bundle;
  /** What connections may read. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** An existing folder of its own; gone at the end. */
  readonly scratch: string;
  readonly failpoint: Failpoint;
  /** Takes the report to whoever waits for it. Called once, however the attempt ends. */
  readonly deliver: (report: TaskReport) => void | Promise<void>;
};

/**
 * Runs an attempt, has its report delivered, and ends the process: with 0 when the report was delivered, whatever it says. SIGTERM
 * cancels the attempt.
 */
export async function carryOut(assignment: Assignment): Promise<never> {
  fitCollectorToStreams();
  const { order, scratch, environment, failpoint } = assignment;
  const startedAt = new Date();
  const cancelling = new AbortController();
  process.on('SIGTERM', () => cancelling.abort(cancellation()));
  // The first report counts. Its delivery may take minutes, and what happens meanwhile changes nothing that was done.
  let delivery: Promise<void> | null = null;
  const finish = (report: TaskReport) => (delivery ??= handOver(assignment, report));
  const fail = (error: unknown) => finish(reportOf(order, startedAt, endingOf(error, [])));
  process.on('uncaughtException', (error) => {
    log(`InternalError: ${error.stack ?? error}`);
    if (delivery === null) void fail(error).then(() => process.exit());
  });
  whenStuck([cancelling.signal, startTimeout(order.timeoutMs).signal], (reason) => {
    if (delivery !== null) return;
    log(`the task has not ended ${graceMs / 1000} s after it was told to; ending its process`);
    void fail(reason).then(endAtOnce);
  });

  const { runTask } = await import('./run-task.ts');
  const bundle = assignment.readBundle();
  const { signal } = cancelling;
  await finish(await runTask({ order, bundle, environment, scratch, signal, log, failpoint }));
  // Sockets and threads may still be there; what had to be kept is kept.
  process.exit();
}

/** Never throws: a report that cannot be delivered shows in the exit code. */
async function handOver({ scratch, failpoint, deliver }: Assignment, report: TaskReport): Promise<void> {
  try {
    rmSync(scratch, { recursive: true, force: true });
    failpoint('runner.before-report');
    // A crash before this line loses the attempt, and another one follows; what this one has committed, the fence at the target
    // knows. After it, the attempt has ended as the report says, whatever becomes of the process.
    await deliver(report);
    failpoint('runner.after-report');
    process.exitCode = 0;
  } catch (error) {
    log(`the report could not be delivered: ${messageOf(error)}`);
    process.exitCode = 1;
  }
}

/** Calls back when the task was told to end, and the grace is over. */
function whenStuck(told: readonly AbortSignal[], end: (reason: unknown) => void): void {
  const signal = AbortSignal.any([...told]);
  signal.addEventListener('abort', () => void setTimeout(() => end(signal.reason), graceMs).unref());
}

/** Not an orderly exit, which would wait for a thread of the engine. */
function endAtOnce(): never {
  process.kill(process.pid, 'SIGKILL');
  // Only the first process of a container comes here: the kernel keeps such a signal from it, but not this.
  process.abort();
}

/** To the log of the attempt. */
export function log(line: string): void {
  process.stdout.write(`${new Date().toISOString()} ${line}\n`);
}
