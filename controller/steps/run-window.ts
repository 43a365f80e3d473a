import type { CalendarSpec, TaskOrder } from '../../schemas/generated/types.ts';
import { createCalendar } from '../windows/calendar.ts';

type WindowColumns = {
  readonly windowStart: Date | null;
  readonly windowEnd: Date | null;
  readonly windowLabel: string | null;
  readonly calendar: unknown;
};

/** The window of a run as orders and expressions see it; null for a run without one. */
export function windowOfRun(run: WindowColumns): TaskOrder['window'] {
  if (!run.windowStart || !run.windowEnd) return null;
  const calendar = createCalendar(run.calendar as CalendarSpec);
  const previous = calendar.windowBefore(run.windowStart);
  return {
    label: run.windowLabel ?? '',
    start: run.windowStart.toISOString(),
    end: run.windowEnd.toISOString(),
    previousStart: previous.start.toISOString(),
    previousEnd: previous.end.toISOString(),
    nextEnd: calendar.next(run.windowEnd).toISOString(),
  };
}
