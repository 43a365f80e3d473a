import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { describe, expect, test } from 'vitest';
import { createCalendar } from '../../../controller/windows/calendar.ts';
import { local, transitionsOf, zones } from './zones.ts';

const dayMs = 86_400_000;

function ticks(cron: string, timeZone: string, from: string, limit: number): string[] {
  const windows = createCalendar({ cron, timeZone }).windows(new Date(from), { until: new Date(8.64e15), limit });
  return windows.map((window) => local(window.start, timeZone));
}

/** What every minute of a few days says, asked one by one. */
function ticksByMinute(
  timeZone: string,
  hours: Set<number> | null,
  minutes: Set<number>,
  from: number,
  to: number,
): Date[] {
  const matches = (time: { hour: number; minute: number }) =>
    minutes.has(time.minute) && (!hours || hours.has(time.hour));
  const found = new Set<number>();
  // A day more on both sides: a tick may be moved by as much as the day that Apia left out.
  for (let at = from - 2 * dayMs; at < to + 2 * dayMs; at += 60_000) {
    if (!hours) {
      const time = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone);
      if (matches(time)) found.add(at);
      continue;
    }
    const wall = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO('UTC').toPlainDateTime();
    if (matches(wall)) found.add(wall.toZonedDateTime(timeZone, { disambiguation: 'compatible' }).epochMilliseconds);
  }
  return [...found]
    .filter((at) => at >= from && at < to)
    .sort((a, b) => a - b)
    .map((at) => new Date(at));
}

describe('a cron calendar', () => {
  test('agrees, around every change of the clocks, with asking each minute by itself', () => {
    const changing = zones.filter((zone) => transitionsOf(zone).length > 0);
    const field = (max: number) => fc.uniqueArray(fc.integer({ min: 0, max }), { minLength: 1, maxLength: 3 });
    const input = fc.constantFrom(...changing).chain((zone) =>
      fc.record({
        zone: fc.constant(zone),
        transition: fc.constantFrom(...transitionsOf(zone)),
        hours: fc.option(fc.oneof(field(4), field(23))),
        minutes: field(59),
      }),
    );
    fc.assert(
      fc.property(input, ({ zone, transition, hours, minutes }) => {
        const from = Math.floor(transition.getTime() / 60_000) * 60_000 - dayMs;
        const to = from + 2 * dayMs;
        const expected = ticksByMinute(zone, hours && new Set(hours), new Set(minutes), from, to);
        const calendar = createCalendar({ cron: `${minutes} ${hours ?? '*'} * * *`, timeZone: zone });
        const found: Date[] = [];
        for (let at = calendar.boundaryAtOrAfter(new Date(from)); at.getTime() < to; at = calendar.next(at))
          found.push(at);
        expect(found).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  test('runs a time of the day once in a fold, the first time, from wherever one begins to look', () => {
    // New York, 2019-11-03: 01:00 to 02:00 comes twice, first in EDT.
    const calendar = createCalendar({ cron: '30 1 * * *', timeZone: 'America/New_York' });
    const first = new Date('2019-11-03T05:30:00Z');
    expect(calendar.boundaryAtOrAfter(new Date('2019-11-03T04:00:00Z'))).toEqual(first);
    // 01:10 EST, after the fold: cron-parser would answer 01:30 EST.
    expect(calendar.boundaryAtOrAfter(new Date('2019-11-03T06:10:00Z'))).toEqual(new Date('2019-11-04T06:30:00Z'));
    expect(calendar.boundaryAtOrBefore(new Date('2019-11-03T06:40:00Z'))).toEqual(first);
  });

  test('moves a time of the day that a gap leaves out by the length of the gap', () => {
    expect(ticks('30 2 * * *', 'America/New_York', '2019-03-09T12:00:00Z', 2)).toEqual([
      '2019-03-10T03:30',
      '2019-03-11T02:30',
    ]);
  });

  test('lets two times of the day that a gap moves together be one boundary', () => {
    expect(ticks('30 2,3 * * *', 'America/New_York', '2019-03-10T05:00:00Z', 2)).toEqual([
      '2019-03-10T03:30',
      '2019-03-11T02:30',
    ]);
  });

  test('follows real time with a star in its hours: no tick in a gap, two in a fold', () => {
    expect(ticks('0 * * * *', 'America/New_York', '2019-03-10T06:00:00Z', 3)).toEqual([
      '2019-03-10T01:00',
      '2019-03-10T03:00',
      '2019-03-10T04:00',
    ]);
    expect(ticks('0 * * * *', 'America/New_York', '2019-11-03T05:00:00Z', 3)).toEqual([
      '2019-11-03T01:00',
      '2019-11-03T01:00',
      '2019-11-03T02:00',
    ]);
  });

  test('finds its ticks on Lord Howe, where clocks change by half an hour', () => {
    expect(ticks('15 2 * * *', 'Australia/Lord_Howe', '2019-10-05T00:00:00Z', 3)).toEqual([
      '2019-10-06T02:45',
      '2019-10-07T02:15',
      '2019-10-08T02:15',
    ]);
    expect(ticks('*/30 * * * *', 'Australia/Lord_Howe', '2019-04-06T14:30:00Z', 4)).toEqual([
      '2019-04-07T01:30',
      '2019-04-07T01:30',
      '2019-04-07T02:00',
      '2019-04-07T02:30',
    ]);
  });

  test('moves what was due on the day that Apia left out to the day after', () => {
    expect(ticks('0 6 30 12 *', 'Pacific/Apia', '2011-12-01T00:00:00Z', 2)).toEqual([
      '2011-12-31T06:00',
      '2012-12-30T06:00',
    ]);
    expect(ticks('0 6 * * *', 'Pacific/Apia', '2011-12-29T00:00:00Z', 3)).toEqual([
      '2011-12-29T06:00',
      '2011-12-31T06:00',
      '2012-01-01T06:00',
    ]);
  });

  test('knows names, last days, last weekdays, nth weekdays, and either of day and weekday', () => {
    expect(ticks('0 6 * JAN MON', 'UTC', '2026-01-01T00:00:00Z', 1)).toEqual(['2026-01-05T06:00']);
    expect(ticks('0 0 L * *', 'UTC', '2026-02-01T00:00:00Z', 2)).toEqual(['2026-02-28T00:00', '2026-03-31T00:00']);
    expect(ticks('0 0 * * 5L', 'UTC', '2026-01-01T00:00:00Z', 1)).toEqual(['2026-01-30T00:00']);
    expect(ticks('0 0 * * 2#2', 'UTC', '2026-01-01T00:00:00Z', 1)).toEqual(['2026-01-13T00:00']);
    expect(ticks('0 0 13 * 5', 'UTC', '2026-01-01T00:00:00Z', 3)).toEqual([
      '2026-01-02T00:00',
      '2026-01-09T00:00',
      '2026-01-13T00:00',
    ]);
  });

  test('waits for a rare day: a leap February with five Mondays', () => {
    const calendar = createCalendar({ cron: '0 0 * 2 1#5', timeZone: 'UTC' });
    expect(calendar.windowContaining(new Date('2026-01-01T00:00:00Z'))).toMatchObject({
      start: new Date('2016-02-29T00:00:00Z'),
      end: new Date('2044-02-29T00:00:00Z'),
    });
  });

  test('counts years of minutes without walking them', () => {
    const calendar = createCalendar({ cron: '* * * * *', timeZone: 'America/New_York' });
    expect(calendar.countWindows(new Date('2000-01-01T00:00:00Z'), new Date('2020-01-01T00:00:00Z'))).toBe(7305 * 1440);
  });
});
