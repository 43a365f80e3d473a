import type { CalendarSpec, CompiledSchedule, Reason, WindowRow } from '../../schemas/generated/types.ts';
import { createCalendar } from './calendar.ts';
import { type DueWindow, endOf, withTimes } from './due.ts';
import { instantOf } from './select.ts';

/** Reads the bounds of a span as people write them; whether they are in order is not looked at. `error` is a sentence. */
export function parseBounds(
  written: { readonly from: string; readonly to: string },
  timeZone: string,
): { readonly from: Date; readonly to: Date } | { readonly error: string } {
  const [from, to] = [instantOf(written.from, timeZone), instantOf(written.to, timeZone)];
  if (!from) return { error: noBound('from', written.from) };
  if (!to) return { error: noBound('to', written.to) };
  return { from, to };
}

function noBound(name: string, text: string): string {
  return `"${name}" is "${text}", which is no date or time; write 2019, 2019-01, 2019-01-31 or 2019-01-31T06:00Z`;
}

/** `beginsAt`: where it took over; null for the first one, which reaches back without end. */
export type Governing = { readonly id: number; readonly spec: CalendarSpec; readonly beginsAt: Date | null };

type CutWindow = DueWindow & { readonly calendarId: number };

/** A window with what the ledger says of it; `runNo: 0` and `run: null` where it has had none. */
export type SpanWindow = Pick<CutWindow, 'calendarId' | 'start' | 'end' | 'label' | 'dueAt'> &
  Pick<WindowRow, 'phase' | 'reason' | 'runNo' | 'run' | 'stale' | 'mark'> & { readonly lateAt: Date | null };

export type SkippedStretch = { readonly start: Date; readonly end: Date; readonly reason: Reason };

/**
 * What the ledger has of a span is true; the rest is as its calendars cut it: passed over, or missing. Oldest first. What the ledger
 * has, whatever its calendar, is there once: a window that would lie over it is left out.
 */
export function mergeSpan(
  cut: readonly CutWindow[],
  ledger: { readonly windows: readonly SpanWindow[]; readonly skipped: readonly SkippedStretch[] },
): SpanWindow[] {
  let at = 0;
  const isFree = ({ start, end }: CutWindow) => {
    // Both are in order, so what ends before this window ends before all that follow.
    while ((ledger.windows[at]?.end ?? end) <= start) at++;
    return (ledger.windows[at]?.start ?? end) >= end;
  };
  const others = cut.filter(isFree).map((window) => untouched(window, ledger.skipped));
  return [...ledger.windows, ...others].sort((a, b) => a.start.getTime() - b.start.getTime());
}

function untouched(window: CutWindow, skipped: readonly SkippedStretch[]): SpanWindow {
  const range = skipped.find(({ start, end }) => start <= window.start && window.start < end);
  const { calendarId, start, end, label, dueAt } = window;
  const fate = range
    ? { phase: 'Skipped' as const, reason: range.reason }
    : { phase: 'Missing' as const, reason: null };
  return { calendarId, start, end, label, dueAt, ...fate, runNo: 0, run: null, lateAt: null, stale: null, mark: null };
}

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
}): CutWindow[] {
  const { calendars, schedule, to, limit } = input;
  const found: CutWindow[] = [];
  calendars.forEach(({ id, spec, beginsAt }, index) => {
    const calendar = createCalendar(spec, beginsAt ? { beginsAt } : {});
    const until = Math.min(to.getTime(), calendars[index + 1]?.beginsAt?.getTime() ?? Number.POSITIVE_INFINITY);
    let at = calendar.boundaryAtOrAfter(
      new Date(Math.max(input.from.getTime(), beginsAt?.getTime() ?? Number.NEGATIVE_INFINITY)),
    );
    while (at.getTime() < until && found.length < limit) {
      const window = calendar.windowFrom(at);
      if (window.end.getTime() > endOf(schedule)) break;
      found.push({ ...withTimes(window, schedule), calendarId: id });
      at = window.end;
    }
  });
  return found;
}
