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
  /** Whether this process has run no other. */
  readonly isFirst: boolean;
  readonly failpoint: Failpoint;
  /** Takes the report to whoever waits for it. Called once, however the attempt ends. */
  readonly deliver: (report: TaskReport) => void | Promise<void>;
};

/**
 * Runs an attempt and has its report delivered. SIGTERM cancels the attempt. Resolves with the outcome that was delivered, or with
 * null when the process should end: with exit code 0 when the report was delivered, whatever it says.
 */
export async function carryOut(assignment: Assignment): Promise<TaskReport['outcome'] | null> {
  fitCollectorToStreams();
  using stack = new DisposableStack();
  const { order, scratch, environment, failpoint } = assignment;
  const startedAt = new Date();
  const { signal, cancel } = createCancelling();
  listen(stack, 'SIGTERM', cancel);
  // The first report counts. Its delivery may take minutes, and what happens meanwhile changes nothing that was done.
  let delivery: Promise<boolean> | null = null;
  const finish = (report: TaskReport) => (delivery ??= handOver(assignment, report));
  const fail = (error: unknown) => finish(reportOf(order, startedAt, endingOf(error, [])));
  listen(stack, 'uncaughtException', (error) => {
    logStack(error);
    if (delivery !== null) return;
    // Perhaps an earlier attempt left it. Without a report this one is lost, and comes again in a process of its own.
    if (!assignment.isFirst) endAtOnce();
    void fail(error).then(() => process.exit());
  });
  const timeout = stack.adopt(startTimeout(order.timeoutMs), ({ clear }) => clear());
  whenStuck(stack, [signal, timeout.signal], (reason) => {
    if (delivery !== null) return;
    log(`the task has not ended ${graceMs / 1000} s after it was told to; ending its process`);
    void fail(reason).then(endAtOnce);
  });

  try {
    const { runTask } = await import('./run-task.ts');
    const bundle = assignment.readBundle();
    const report = await runTask({ order, bundle, environment, scratch, signal, log, failpoint });
    const isOurs = delivery === null;
    const isDelivered = await finish(report);
    return isOurs && isDelivered && !signal.aborted ? report.outcome : null;
  } catch (error) {
    logStack(error);
    await fail(error);
    return null;
  }
}

function createCancelling(): { signal: AbortSignal; cancel: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, cancel: () => controller.abort(cancellation()) };
}

function listen(stack: DisposableStack, event: string, listener: (error: unknown) => void): void {
  process.on(event, listener);
  stack.defer(() => process.off(event, listener));
}

/** Whether it was delivered. Never throws: a report that cannot be delivered shows in the exit code. */
async function handOver({ scratch, failpoint, deliver }: Assignment, report: TaskReport): Promise<boolean> {
  try {
    rmSync(scratch, { recursive: true, force: true });
    failpoint('runner.before-report');
    // A crash before this line loses the attempt, and another one follows; what this one has committed, the fence at the target
    // knows. After it, the attempt has ended as the report says, whatever becomes of the process.
    await deliver(report);
    failpoint('runner.after-report');
    process.exitCode = 0;
    return true;
  } catch (error) {
    log(`the report could not be delivered: ${messageOf(error)}`);
    process.exitCode = 1;
    return false;
  }
}

/** Calls back when the task was told to end, and the grace is over. */
function whenStuck(stack: DisposableStack, told: readonly AbortSignal[], end: (reason: unknown) => void): void {
  const signal = AbortSignal.any([...told]);
  signal.addEventListener('abort', () => {
    const timer = setTimeout(() => end(signal.reason), graceMs).unref();
    stack.defer(() => clearTimeout(timer));
  });
}

/** Not an orderly exit, which would wait for a thread of the engine. */
function endAtOnce(): never {
  process.kill(process.pid, 'SIGKILL');
  // Only the first process of a container comes here: the kernel keeps such a signal from it, but not this.
  process.abort();
}

function logStack(error: unknown): void {
  log(`InternalError: ${error instanceof Error ? error.stack : error}`);
}

/** To the log of the attempt. */
export function log(line: string): void {
  process.stdout.write(`${new Date().toISOString()} ${line}\n`);
}
