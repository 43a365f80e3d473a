import type { Rerun, WindowRow } from '../../schemas/generated/types.ts';
import type { SpanWindow } from './span.ts';

/** What a backfill is that says no more than its range. Below the live runs of its pipeline, whose priority is 0. */
export const backfillDefaults = { rerun: 'missing', order: 'oldest', version: 'head', priority: -100 } as const;

/** More windows than these are asked for in several backfills. */
export const longestBackfill = 100_000;

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

/** Whether a window that has this is to run (again). */
export function wants(rerun: Rerun, window: { readonly runNo: number; readonly phase: WindowRow['phase'] }): boolean {
  if (rerun === 'all' || window.runNo === 0) return true;
  return rerun === 'failed' && (window.phase === 'Failed' || window.phase === 'Cancelled');
}
