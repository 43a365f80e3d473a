import { setTimeout as delay } from 'node:timers/promises';

export interface TokenBucket {
  /** Resolves, in the order of the calls, when a further call may be made. */
  take(signal?: AbortSignal): Promise<void>;
}

/**
 * At most `burst` at once and `qps` a second in the long run. The API server has limits of its own; this one keeps a storm of
 * ours from becoming everybody's.
 */
export function createTokenBucket(options: {
  qps: number;
  burst: number;
  /** Ms of a clock that only goes forward. */
  clock?: () => number;
  wait?: (ms: number, signal?: AbortSignal) => Promise<void>;
}): TokenBucket {
  const { qps, burst, clock = () => performance.now(), wait = waitFor } = options;
  let tokens = burst;
  let filledAt = clock();
  return {
    async take(signal) {
      signal?.throwIfAborted();
      const now = clock();
      tokens = Math.min(burst, tokens + ((now - filledAt) * qps) / 1_000) - 1;
      filledAt = now;
      // Below zero the tokens are owed: each caller waits for its own, so nobody is overtaken.
      if (tokens < 0) await wait((-tokens / qps) * 1_000, signal);
    },
  };
}

function waitFor(ms: number, signal?: AbortSignal): Promise<void> {
  return delay(ms, undefined, signal ? { signal } : {});
}
