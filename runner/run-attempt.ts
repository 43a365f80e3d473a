import type { Failpoint } from '../schemas/failpoints.ts';
import type { Attempt } from './attempt.ts';
import { carryOut } from './carry-out.ts';

/** Runs the attempt that this process has begun, leaves its report in its folder, and ends the process. */
export async function runAttempt({ attempt, failpoint }: { attempt: Attempt; failpoint: Failpoint }): Promise<never> {
  const order = attempt.readOrder();
  startBeating(attempt, order.heartbeatMs);
  return carryOut({
    order,
    readBundle: () => attempt.readBundle(order),
    environment: process.env,
    scratch: attempt.scratch,
    failpoint,
    deliver: attempt.report,
  });
}

/** Shows at once, and then every so many milliseconds, that the event loop turns. */
function startBeating(attempt: Attempt, everyMs: number): void {
  let count = 0;
  const beat = () => attempt.beat(++count);
  beat();
  setInterval(beat, everyMs).unref();
}
