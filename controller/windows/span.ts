import type { CalendarSpec, CompiledSchedule } from '../../schemas/generated/types.ts';
import { createCalendar } from './calendar.ts';
import { type DueWindow, endOf, withTimes } from './due.ts';

type Governing = { readonly spec: CalendarSpec; readonly beginsAt: Date | null };

/**
 * The windows that begin in `[from, to)` by the calendars that governed then, oldest first, at most `limit`. Each calendar reaches to
 * where the next one took over; the first (`beginsAt: null`) reaches back without end, the last forward to `endAt`.
 */
export function windowsOfSpan(input: {
  readonly calendars: readonly Governing[];
  readonly schedule: CompiledSchedule;
  readonly from: Date;
  readonly to: Date;
  readonly limit: number;
}): DueWindow[] {
  const { calendars, schedule, to, limit } = input;
  const found: DueWindow[] = [];
  calendars.forEach(({ spec, beginsAt }, index) => {
    const calendar = createCalendar(spec, beginsAt ? { beginsAt } : {});
    const until = Math.min(to.getTime(), calendars[index + 1]?.beginsAt?.getTime() ?? Number.POSITIVE_INFINITY);
    let at = calendar.boundaryAtOrAfter(
      new Date(Math.max(input.from.getTime(), beginsAt?.getTime() ?? Number.NEGATIVE_INFINITY)),
    );
    while (at.getTime() < until && found.length < limit) {
      const window = calendar.windowFrom(at);
      if (window.end.getTime() > endOf(schedule)) break;
      found.push(withTimes(window, schedule));
      at = window.end;
    }
  });
  return found;
}
