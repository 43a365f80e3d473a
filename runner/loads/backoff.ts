import { setTimeout as pause } from 'node:timers/promises';

/** Tries that follow one another without a byte of progress. Times in milliseconds. */
export type Backoff = { readonly limit: number; readonly initialMs: number; readonly maxMs: number };

export const defaultBackoff: Backoff = { limit: 5, initialMs: 500, maxMs: 30_000 };

/** A server that asks for more patience than this is not waited for; the task's `retry` may come back later. */
const longestRetryAfterMs = 300_000;

/** A failure that another try may mend. `afterMs`: how long the server asked to wait. */
export class PassingFailure extends Error {
  readonly afterMs: number | null;

  constructor(message: string, afterMs: number | null = null) {
    super(message);
    this.afterMs = afterMs;
  }
}

/** The wait before the next try, in milliseconds; null when there is to be none. `failures` counts from 1. */
export function waitBefore(failure: PassingFailure, failures: number, backoff: Backoff): number | null {
  if (failures > backoff.limit || (failure.afterMs ?? 0) > longestRetryAfterMs) return null;
  return failure.afterMs ?? Math.min(backoff.maxMs, backoff.initialMs * 2 ** (failures - 1));
}

/** The header `Retry-After` (seconds or a date) in milliseconds from `now`; null without it. */
export function retryAfterMs(header: string | undefined, now: Date): number | null {
  if (header === undefined) return null;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - now.getTime());
}

/** Waits; throws the signal’s reason when it is aborted. */
export async function wait(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}
