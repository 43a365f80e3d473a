import { Temporal } from 'temporal-polyfill';
import type { CalendarSpec } from '../../schemas/generated/types.ts';
import { localToInstant, standardOffset, startOfDay, zoned } from './zone.ts';

/** An infinite, strictly increasing sequence of instants, as milliseconds since 1970. */
export type Boundaries = {
  /** The greatest boundary at or before `at`. */
  floor(at: number): number;
  /** The smallest boundary after `at`. */
  next(at: number): number;
  /** How many boundaries lie in `(from, to]`. */
  countAfter(from: number, to: number): number;
};

export type Every = NonNullable<CalendarSpec['every']>;

const dayNs = 86_400e9;

const fixedUnits: Partial<Record<Every['unit'], number>> = { minute: 60_000, hour: 3_600_000 };

/** Boundaries of `every`: minutes and hours have a real length, everything longer begins at local midnight. */
export function everyBoundaries(every: Every, spec: CalendarSpec): Boundaries {
  const anchor = spec.anchor === undefined ? undefined : Temporal.PlainDateTime.from(spec.anchor);
  const unit = fixedUnits[every.unit];
  if (unit === undefined) return dateBoundaries(every, spec.timeZone, anchor);
  const origin = anchor ? localToInstant(anchor, spec.timeZone) : -standardOffset(spec.timeZone);
  return fixedBoundaries(every.count * unit, origin);
}

function fixedBoundaries(length: number, origin: number): Boundaries {
  const index = (at: number) => Math.floor((at - origin) / length);
  return {
    floor: (at) => origin + index(at) * length,
    next: (at) => origin + (index(at) + 1) * length,
    countAfter: (from, to) => Math.max(0, index(to) - index(from)),
  };
}

function dateBoundaries(every: Every, timeZone: string, anchor: Temporal.PlainDateTime | undefined): Boundaries {
  const line = dateLine(every, anchor);
  const boundary = (index: number) => startOfDay(line.dateAt(index), timeZone);
  // The local date of an instant is only a guess: where clocks go back over midnight, an instant can lie after the start
  // of a day and yet show the date before it.
  const indexOf = (at: number) => {
    let index = line.indexOf(zoned(at, timeZone).toPlainDate());
    while (boundary(index + 1) <= at) index++;
    return index;
  };
  const next = (at: number) => boundary(indexOf(at) + 1);
  return {
    floor: (at) => boundary(indexOf(at)),
    next,
    // A day that a zone left out (Apia, 2011-12-30) has an index and no window.
    countAfter: (from, to) => {
      if (to <= from) return 0;
      const leftOut = jumpsOverDays(from, to, timeZone).map((at) => Math.max(0, indexOf(at) - indexOf(at - 1) - 1));
      return indexOf(to) - indexOf(from) - leftOut.reduce((sum, days) => sum + days, 0);
    },
  };
}

/** The instants in `(from, to]` at which a zone's clocks move on by a day or more. */
function jumpsOverDays(from: number, to: number, timeZone: string): number[] {
  const found: number[] = [];
  for (let here = zoned(from, timeZone); ; ) {
    const then = here.getTimeZoneTransition('next');
    if (!then || then.epochMilliseconds > to) return found;
    if (then.offsetNanoseconds - here.offsetNanoseconds >= dayNs) found.push(then.epochMilliseconds);
    here = then;
  }
}

const lengths: Partial<Record<Every['unit'], { days?: number; months?: number }>> = {
  day: { days: 1 },
  week: { days: 7 },
  month: { months: 1 },
  quarter: { months: 3 },
  year: { months: 12 },
};

/** Numbers the dates on which windows begin. Multiples are counted from the first regular date at or after the anchor. */
function dateLine(every: Every, anchor: Temporal.PlainDateTime | undefined) {
  const origin = firstRegularDate(every.unit, anchor);
  const { days, months } = lengths[every.unit] ?? {};
  if (days !== undefined) {
    const step = days * every.count;
    return {
      dateAt: (index: number) => origin.add({ days: index * step }),
      indexOf: (date: Temporal.PlainDate) => Math.floor(origin.until(date, { largestUnit: 'day' }).days / step),
    };
  }
  const step = (months ?? 1) * every.count;
  return {
    dateAt: (index: number) => origin.add({ months: index * step }),
    indexOf: (date: Temporal.PlainDate) =>
      Math.floor(((date.year - origin.year) * 12 + date.month - origin.month) / step),
  };
}

function firstRegularDate(unit: Every['unit'], anchor: Temporal.PlainDateTime | undefined): Temporal.PlainDate {
  if (!anchor) return unitStart(unit, Temporal.PlainDate.from('1970-01-01'));
  const midnight = anchor.toPlainTime().equals(Temporal.PlainTime.from('00:00'));
  const date = midnight ? anchor.toPlainDate() : anchor.toPlainDate().add({ days: 1 });
  const start = unitStart(unit, date);
  return start.equals(date) ? start : start.add(lengths[unit] ?? {});
}

/** The first day of the day, ISO week, month, quarter or year that holds `date`. */
export function unitStart(unit: Every['unit'], date: Temporal.PlainDate): Temporal.PlainDate {
  switch (unit) {
    case 'week':
      return date.subtract({ days: date.dayOfWeek - 1 });
    case 'month':
      return date.with({ day: 1 });
    case 'quarter':
      return date.with({ month: date.month - ((date.month - 1) % 3), day: 1 });
    case 'year':
      return date.with({ month: 1, day: 1 });
    default:
      return date;
  }
}
