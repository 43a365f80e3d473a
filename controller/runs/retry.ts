import type { Reason, RetryPolicy } from '../../schemas/generated/types.ts';
import { lostLimit, reasons } from '../../schemas/reasons.ts';

export type SettledAttempt = {
  readonly number: number;
  readonly phase: 'Succeeded' | 'Failed' | 'Lost' | 'Cancelled';
  readonly reason: Reason | null;
};

export type Verdict =
  | { readonly next: 'retry'; readonly afterMs: number; readonly lost: number }
  | { readonly next: 'fail'; readonly reason: Reason; readonly lost: number };

/**
 * Whether a task gets a further attempt. A lost attempt says nothing about the work, so it is tried again apart from the
 * policy, at once and then with growing waits; a failed one counts against `retry.limit` unless its reason can't change.
 */
export function judge(attempt: SettledAttempt, lostBefore: number, policy: RetryPolicy): Verdict {
  if (attempt.phase === 'Lost') {
    const lost = lostBefore + 1;
    if (lost >= lostLimit) return { next: 'fail', reason: 'LostTooOften', lost };
    return { next: 'retry', afterMs: lost === 1 ? 0 : Math.min(30_000, 500 * 2 ** lost), lost };
  }
  const reason = attempt.reason ?? 'InternalError';
  const failures = attempt.number - lostBefore;
  if (reasons[reason].retry !== 'policy' || failures > policy.limit) return { next: 'fail', reason, lost: lostBefore };
  return { next: 'retry', afterMs: backoff(failures, policy), lost: lostBefore };
}

/** The wait in ms after the given number of failures (1 or more). */
function backoff(failures: number, policy: RetryPolicy): number {
  return Math.round(Math.min(policy.maxMs, policy.initialMs * policy.factor ** (failures - 1)));
}
