import type { Failpoint } from '../schemas/failpoints.ts';
import type { Bundle } from '../schemas/generated/types.ts';
import type { Attempt } from './attempt.ts';
import { carryOut } from './carry-out.ts';
import { forgetPeakMemory } from './memory.ts';
import { isAsGoodAsNew } from './reuse.ts';

/**
 * Runs an attempt that this process has begun, its `count`th, and leaves its report in its folder. Resolves with whether the
 * process may run another one.
 */
export async function runAttempt(options: { attempt: Attempt; count: number; failpoint: Failpoint }): Promise<boolean> {
  const { attempt, count, failpoint } = options;
  const order = attempt.readOrder();
  forgetPeakMemory();
  process.env.HOME = attempt.scratch;
  process.chdir(attempt.scratch);
  let bundle: Bundle | undefined;
  const running = carryOut({
    order,
    readBundle: () => (bundle = attempt.readBundle(order)),
    environment: process.env,
    scratch: attempt.scratch,
    isFirst: count === 1,
    failpoint,
    deliver: attempt.report,
  });
  // Whoever sees the first beat may tell the attempt to end: from here on it listens.
  const stopBeating = startBeating(attempt, order.heartbeatMs);
  const outcome = await running;
  stopBeating();
  return outcome === 'Succeeded' && bundle !== undefined && isAsGoodAsNew(bundle, order, count);
}

/** Shows at once, and then every so many milliseconds, that the event loop turns. */
function startBeating(attempt: Attempt, everyMs: number): () => void {
  let count = 0;
  const beat = () => attempt.beat(++count);
  beat();
  const timer = setInterval(beat, everyMs).unref();
  return () => clearInterval(timer);
}
