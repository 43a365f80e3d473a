import type { Rerun } from '../../schemas/generated/types.ts';
import type { SpanWindow } from './span.ts';

/** What a backfill is that says no more than its range. Its priority is added to that of the pipeline, so that live runs come first. */
export const backfillDefaults = { rerun: 'missing', order: 'oldest', version: 'head', priority: -100 } as const;

/** More windows than these are asked for in several backfills. */
export const longestBackfill = 100_000;

/** A sentence about a range that holds more. */
export function tooManyWindows(from: Date): string {
  return `a backfill has at most ${longestBackfill} windows, and there are more from ${from.toISOString()} on; make it in several parts`;
}

export type BackfillPlan = {
  /** In the order in which they run. */
  readonly windows: readonly SpanWindow[];
  /** How many windows of the range were left out because they have not closed yet, or because of what they have. */
  readonly notClosed: number;
  readonly kept: number;
};

/** Which windows of a range run, and in which order. A window that would cross the end of the range is not one of it. Pure. */
export function planBackfill(input: {
  readonly windows: readonly SpanWindow[];
  readonly to: Date;
  readonly now: Date;
  readonly rerun: Rerun;
  readonly order: 'oldest' | 'newest';
}): BackfillPlan {
  const { to, now, rerun, order } = input;
  const inRange = input.windows.filter(({ end }) => end <= to);
  const closed = inRange.filter(({ end }) => end <= now);
  const windows = closed.filter((window) => wants(rerun, window));
  return {
    windows: order === 'newest' ? windows.toReversed() : windows,
    notClosed: inRange.length - closed.length,
    kept: closed.length - windows.length,
  };
}

/** Whether a window that has this is to run (again). One that a person has marked, or that is no longer kept, is neither missing nor failed. */
export function wants(rerun: Rerun, window: Pick<SpanWindow, 'runNo' | 'phase' | 'reason' | 'stale'>): boolean {
  if (rerun === 'all') return true;
  if (window.reason === 'MarkedByHand' || window.reason === 'NotKept') return false;
  if (window.runNo === 0) return true;
  const failed = window.phase === 'Failed' || window.phase === 'Cancelled';
  return (failed && rerun !== 'missing') || (window.stale !== null && rerun === 'stale');
}
