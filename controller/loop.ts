import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Signals } from './signals.ts';
import type { PassResult, Step } from './steps/step.ts';

type LoopOptions = {
  step: Step;
  signals: Signals;
  signal: AbortSignal;
  log: Logger;
  /** A pass waits so long for what else it can take at once; 0 by default. */
  gatherMs?: number;
};

/** Runs one step until the signal aborts. */
export async function runLoop(options: LoopOptions): Promise<void> {
  await runPasses(options);
  await options.step.finish?.();
}

/** The one place that turns outcomes into the next look. */
async function runPasses(options: LoopOptions): Promise<void> {
  const { step, signals, signal, gatherMs = 0 } = options;
  const log = options.log.child({ step: step.name });
  let failures = 0;
  while (!signal.aborted) {
    let waitMs: number;
    try {
      waitMs = next(await step.pass(signal), step, log);
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      waitMs = Math.min(30_000, 100 * 2 ** failures);
      log.warn({ err: error, failures, retryInMs: waitMs }, 'pass failed, it will be tried again');
    }
    if (waitMs === 0) continue;
    await signals.wait(step.name, waitMs, signal);
    if (gatherMs === 0) continue;
    await delay(gatherMs, undefined, { signal }).catch(() => {});
    signals.forget(step.name);
  }
}

function next(result: PassResult, step: Step, log: Logger): number {
  switch (result.kind) {
    case 'done':
      return Math.min(step.everyMs, result.afterMs ?? step.everyMs);
    case 'again':
      return 0;
    case 'waiting':
      log.info({ reason: result.reason }, 'waiting');
      return result.afterMs;
    case 'stalled':
      log.error({ reason: result.reason }, 'stalled');
      return step.everyMs;
  }
}
