import type { CalendarSpec } from '../../schemas/generated/types.ts';
import { createCalendar } from '../windows/calendar.ts';

export type RunWindow = { label: string; start: Date; end: Date; previousStart: Date; previousEnd: Date };

/** The window of a run as expressions and orders see it; null for a run without one. */
export function windowOfRun(run: {
  readonly windowStart: Date | null;
  readonly windowEnd: Date | null;
  readonly windowLabel: string | null;
  readonly calendar: unknown;
}): RunWindow | null {
  if (!run.windowStart || !run.windowEnd) return null;
  const previous = createCalendar(run.calendar as CalendarSpec).windowBefore(run.windowStart);
  return {
    label: run.windowLabel ?? '',
    start: run.windowStart,
    end: run.windowEnd,
    previousStart: previous.start,
    previousEnd: previous.end,
  };
}
