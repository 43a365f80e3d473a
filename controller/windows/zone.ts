import { Temporal } from 'temporal-polyfill';

/** A stretch of time with one UTC offset: `[start, end)`. All numbers are milliseconds; `start` and `end` may be infinite. */
export type OffsetPeriod = {
  readonly start: number;
  readonly end: number;
  readonly offset: number;
  readonly previousOffset: number;
  readonly nextOffset: number;
};

export function zoned(at: number, timeZone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone);
}

/** The first instant of a local day: midnight, or the end of the gap where midnight does not exist. Milliseconds. */
export function startOfDay(date: Temporal.PlainDate, timeZone: string): number {
  return date.toZonedDateTime(timeZone).epochMilliseconds;
}

/** Reads a local date and time; in a gap it moves forward by the gap, in a fold it is the earlier one. Milliseconds. */
export function localToInstant(local: Temporal.PlainDateTime, timeZone: string): number {
  return local.toZonedDateTime(timeZone, { disambiguation: 'compatible' }).epochMilliseconds;
}

/**
 * The offset of the zone without daylight saving, in milliseconds. Taken in 2020 and not in 1970, because zones like
 * Asia/Kathmandu have moved by odd minutes since, and hours are to align with the clocks of today.
 */
export function standardOffset(timeZone: string): number {
  const offsets = ['2020-01-01', '2020-07-01'].map((day) => {
    const noon = Temporal.PlainDate.from(day).toZonedDateTime({ timeZone, plainTime: '12:00' });
    return noon.offsetNanoseconds / 1e6;
  });
  return Math.min(...offsets);
}

export function offsetPeriodAt(at: number, timeZone: string): OffsetPeriod {
  const here = zoned(at, timeZone);
  // One millisecond later, because `previous` looks strictly before, and the period begins at its transition.
  const start = zoned(at + 1, timeZone).getTimeZoneTransition('previous')?.epochMilliseconds;
  const end = here.getTimeZoneTransition('next')?.epochMilliseconds;
  const offset = here.offsetNanoseconds / 1e6;
  return {
    start: start ?? Number.NEGATIVE_INFINITY,
    end: end ?? Number.POSITIVE_INFINITY,
    offset,
    previousOffset: start === undefined ? offset : zoned(start - 1, timeZone).offsetNanoseconds / 1e6,
    nextOffset: end === undefined ? offset : zoned(end, timeZone).offsetNanoseconds / 1e6,
  };
}
