import { describe, expect, test } from 'vitest';
import { createCalendar } from '../../../controller/windows/calendar.ts';
import type { CalendarSpec } from '../../../schemas/generated/types.ts';
import { local } from './zones.ts';

function ticks(cron: string, timeZone: string, from: string, limit: number): string[] {
  const windows = createCalendar({ cron: [cron], timeZone }).windows(new Date(from), {
    until: new Date(8.64e15),
    limit,
  });
  return windows.map((window) => local(window.start, timeZone));
}

describe('a cron calendar', () => {
  test('runs a time of the day once in a fold, the first time, from wherever one begins to look', () => {
    // New York, 2019-11-03: 01:00 to 02:00 comes twice, first in EDT.
    const calendar = createCalendar({ cron: ['30 1 * * *'], timeZone: 'America/New_York' });
    const first = new Date('2019-11-03T05:30:00Z');
    expect(calendar.boundaryAtOrAfter(new Date('2019-11-03T04:00:00Z'))).toEqual(first);
    // 01:10 EST, after the fold: cron-parser would answer 01:30 EST.
    expect(calendar.boundaryAtOrAfter(new Date('2019-11-03T06:10:00Z'))).toEqual(new Date('2019-11-04T06:30:00Z'));
    expect(calendar.boundaryAtOrBefore(new Date('2019-11-03T06:40:00Z'))).toEqual(first);
  });

  test('moves a time of the day that a gap leaves out to the end of the gap', () => {
    expect(ticks('30 2 * * *', 'America/New_York', '2019-03-09T12:00:00Z', 2)).toEqual([
      '2019-03-10T03:00',
      '2019-03-11T02:30',
    ]);
  });

  test('lets times of the day that a gap moves together be one boundary', () => {
    expect(ticks('0,30 2,3 * * *', 'America/New_York', '2019-03-10T05:00:00Z', 3)).toEqual([
      '2019-03-10T03:00',
      '2019-03-10T03:30',
      '2019-03-11T02:00',
    ]);
  });

  test('leaves out what a gap leaves out, and takes the second or both of a fold, when told to', () => {
    const starts = (more: Partial<CalendarSpec>, from: string, limit: number) =>
      createCalendar({ cron: ['30 1,2 * * *'], timeZone: 'America/New_York', ...more })
        .windows(new Date(from), { until: new Date(8.64e15), limit })
        .map(({ start }) => start.toISOString().slice(0, 16));
    expect(starts({ gap: 'skip' }, '2019-03-10T05:00:00Z', 2)).toEqual(['2019-03-10T06:30', '2019-03-11T05:30']);
    const fold = '2019-11-03T05:00:00Z';
    expect(starts({}, fold, 2)).toEqual(['2019-11-03T05:30', '2019-11-03T07:30']);
    expect(starts({ overlap: 'second' }, fold, 2)).toEqual(['2019-11-03T06:30', '2019-11-03T07:30']);
    expect(starts({ overlap: 'both' }, fold, 3)).toEqual(['2019-11-03T05:30', '2019-11-03T06:30', '2019-11-03T07:30']);
  });

  test('joins several texts, and goes on over dates that are left out', () => {
    const cron = ['0 9 * * 1-5', '0 12 * * 6', '0 9 25 * *'];
    const calendar = createCalendar({ cron, blackoutDates: ['2026-12-25'], timeZone: 'Europe/Berlin' });
    const windows = calendar.windows(new Date('2026-12-24T00:00:00Z'), { until: new Date(8.64e15), limit: 3 });
    expect(windows.map(({ start }) => local(start, 'Europe/Berlin'))).toEqual([
      '2026-12-24T09:00',
      '2026-12-26T12:00',
      '2026-12-28T09:00',
    ]);
    expect(windows[0]?.end).toEqual(windows[1]?.start);
    expect(calendar.countWindows(windows[0]!.start, windows[2]!.end)).toBe(3);
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
      '2019-10-06T02:30',
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
      '2011-12-31T00:00',
      '2012-12-30T06:00',
    ]);
    expect(ticks('0 6 * * *', 'Pacific/Apia', '2011-12-29T00:00:00Z', 3)).toEqual([
      '2011-12-29T06:00',
      '2011-12-31T00:00',
      '2011-12-31T06:00',
    ]);
  });

  test('knows names, last days, last weekdays, nth weekdays, and day and weekday as Vixie’s cron does', () => {
    expect(ticks('0 6 * JAN MON', 'UTC', '2026-01-01T00:00:00Z', 1)).toEqual(['2026-01-05T06:00']);
    expect(ticks('0 0 L * *', 'UTC', '2026-02-01T00:00:00Z', 2)).toEqual(['2026-02-28T00:00', '2026-03-31T00:00']);
    expect(ticks('0 0 * * 5L', 'UTC', '2026-01-01T00:00:00Z', 1)).toEqual(['2026-01-30T00:00']);
    expect(ticks('0 0 * * 2#2', 'UTC', '2026-01-01T00:00:00Z', 1)).toEqual(['2026-01-13T00:00']);
    expect(ticks('0 0 */2 * 1', 'UTC', '2026-01-01T00:00:00Z', 2)).toEqual(['2026-01-05T00:00', '2026-01-19T00:00']);
    expect(ticks('0 0 13 * 5', 'UTC', '2026-01-01T00:00:00Z', 3)).toEqual([
      '2026-01-02T00:00',
      '2026-01-09T00:00',
      '2026-01-13T00:00',
    ]);
  });

  test('waits for a rare day: a leap February with five Mondays', () => {
    const calendar = createCalendar({ cron: ['0 0 * 2 1#5'], timeZone: 'UTC' });
    expect(calendar.windowContaining(new Date('2026-01-01T00:00:00Z'))).toMatchObject({
      start: new Date('2016-02-29T00:00:00Z'),
      end: new Date('2044-02-29T00:00:00Z'),
    });
  });

  test('counts years of minutes without walking them', () => {
    const calendar = createCalendar({ cron: ['* * * * *'], timeZone: 'America/New_York' });
    expect(calendar.countWindows(new Date('2000-01-01T00:00:00Z'), new Date('2020-01-01T00:00:00Z'))).toBe(7305 * 1440);
  });
});
