import { describe, expect, test } from 'vitest';
import { createCalendar } from '../../../controller/windows/calendar.ts';
import type { CalendarSpec } from '../../../schemas/generated/types.ts';
import { local } from './zones.ts';

type Unit = NonNullable<CalendarSpec['every']>['unit'];

function every(unit: Unit, timeZone: string, more: { count?: number; anchor?: string } = {}) {
  const { count = 1, ...rest } = more;
  return createCalendar({ every: { unit, count }, timeZone, ...rest });
}

function starts(calendar: ReturnType<typeof createCalendar>, from: string, limit: number): string[] {
  const windows = calendar.windows(new Date(from), { until: new Date(8.64e15), limit });
  return windows.map((window) => local(window.start, calendar.spec.timeZone));
}

describe('every', () => {
  test('month, quarter and year begin at local midnight of their first day', () => {
    const month = every('month', 'America/New_York').windowContaining(new Date('2019-03-20T00:00:00Z'));
    expect(month).toEqual({
      start: new Date('2019-03-01T05:00:00Z'),
      end: new Date('2019-04-01T04:00:00Z'),
      label: '2019-03',
    });
    expect(starts(every('quarter', 'Europe/Berlin'), '2019-02-01T00:00:00Z', 2)).toEqual([
      '2019-04-01T00:00',
      '2019-07-01T00:00',
    ]);
    expect(starts(every('year', 'Asia/Kathmandu'), '2019-02-01T00:00:00Z', 2)).toEqual([
      '2020-01-01T00:00',
      '2021-01-01T00:00',
    ]);
  });

  test('week begins on Monday', () => {
    expect(starts(every('week', 'UTC'), '2019-01-01T00:00:00Z', 2)).toEqual(['2019-01-07T00:00', '2019-01-14T00:00']);
  });

  test('day is 23 or 25 hours long where clocks change', () => {
    const hours = ({ start, end }: { start: Date; end: Date }) => (end.getTime() - start.getTime()) / 3_600_000;
    const calendar = every('day', 'America/New_York');
    expect(hours(calendar.windowContaining(new Date('2019-03-10T12:00:00Z'))!)).toBe(23);
    expect(hours(calendar.windowContaining(new Date('2019-11-03T12:00:00Z'))!)).toBe(25);
  });

  test('day begins after the gap where midnight does not exist', () => {
    expect(starts(every('day', 'America/Sao_Paulo'), '2018-11-03T12:00:00Z', 2)).toEqual([
      '2018-11-04T01:00',
      '2018-11-05T00:00',
    ]);
  });

  test('day has no window for a day that the zone left out', () => {
    const calendar = every('day', 'Pacific/Apia');
    expect(starts(calendar, '2011-12-29T10:00:00Z', 3)).toEqual([
      '2011-12-29T00:00',
      '2011-12-31T00:00',
      '2012-01-01T00:00',
    ]);
    expect(calendar.countWindows(new Date('2011-12-29T10:00:00Z'), new Date('2011-12-31T10:00:00Z'))).toBe(2);
  });

  test('day begins once where clocks go back over midnight', () => {
    // St. John's, 2006-10-29: 00:01 became 23:01 of the day before.
    const calendar = every('day', 'America/St_Johns');
    const window = calendar.windowContaining(new Date('2006-10-29T03:00:00Z'))!;
    expect(window).toMatchObject({ start: new Date('2006-10-29T02:30:00Z'), end: new Date('2006-10-30T03:30:00Z') });
  });

  test('hour keeps its real length through a change of the clocks', () => {
    const calendar = every('hour', 'America/New_York');
    expect(starts(calendar, '2019-11-03T04:00:00Z', 4)).toEqual([
      '2019-11-03T00:00',
      '2019-11-03T01:00',
      '2019-11-03T01:00',
      '2019-11-03T02:00',
    ]);
  });

  test('hour aligns with the clocks of a zone whose offset is not whole hours', () => {
    expect(starts(every('hour', 'Asia/Kathmandu'), '2024-06-01T00:00:00Z', 1)).toEqual(['2024-06-01T06:00']);
    expect(starts(every('hour', 'Australia/Lord_Howe'), '2024-06-01T00:10:00Z', 1)).toEqual(['2024-06-01T11:00']);
  });

  test('multiples of minutes and hours are counted from the anchor', () => {
    const calendar = every('hour', 'Europe/Berlin', { count: 6, anchor: '2024-01-01T03:00' });
    expect(starts(calendar, '2024-01-09T00:00:00Z', 2)).toEqual(['2024-01-09T03:00', '2024-01-09T09:00']);
    expect(starts(every('minute', 'UTC', { count: 15 }), '2024-01-09T00:01:00Z', 1)).toEqual(['2024-01-09T00:15']);
  });

  test('multiples of days and more are counted from the first regular day at or after the anchor', () => {
    expect(starts(every('month', 'UTC', { count: 2, anchor: '2019-01-01T00:00' }), '2020-02-01T00:00:00Z', 2)).toEqual([
      '2020-03-01T00:00',
      '2020-05-01T00:00',
    ]);
    expect(starts(every('month', 'UTC', { count: 2, anchor: '2019-01-15T00:00' }), '2020-01-02T00:00:00Z', 1)).toEqual([
      '2020-02-01T00:00',
    ]);
    expect(starts(every('week', 'UTC', { count: 2, anchor: '2019-01-01T00:00' }), '2019-01-01T00:00:00Z', 2)).toEqual([
      '2019-01-07T00:00',
      '2019-01-21T00:00',
    ]);
    expect(starts(every('day', 'UTC', { count: 3, anchor: '2019-01-01T12:00' }), '2018-12-29T12:00:00Z', 2)).toEqual([
      '2018-12-30T00:00',
      '2019-01-02T00:00',
    ]);
  });

  test('counts a century of minutes by arithmetic', () => {
    const calendar = every('minute', 'UTC');
    expect(calendar.countWindows(new Date('1970-01-01T00:00:00Z'), new Date('2070-01-01T00:00:00Z'))).toBe(
      36525 * 1440,
    );
  });
});

describe('a label', () => {
  const label = (spec: CalendarSpec, start: string) => createCalendar(spec).windowFrom(new Date(start)).label;
  const regular = (unit: Unit, start: string, count = 1) =>
    label({ every: { unit, count }, timeZone: 'UTC', anchor: '2019-01-01T00:00' }, start);

  test('is the name of the unit on its regular boundary', () => {
    expect(regular('year', '2019-01-01T00:00:00Z')).toBe('2019');
    expect(regular('quarter', '2019-04-01T00:00:00Z')).toBe('2019-q2');
    expect(regular('month', '2019-04-01T00:00:00Z')).toBe('2019-04');
    expect(regular('week', '2019-01-28T00:00:00Z')).toBe('2019-w05');
    expect(regular('week', '2018-12-31T00:00:00Z')).toBe('2019-w01');
    expect(regular('day', '2019-01-31T00:00:00Z')).toBe('2019-01-31');
  });

  test('is the day for multiples, and for a window that begins inside its unit', () => {
    expect(regular('month', '2019-03-01T00:00:00Z', 2)).toBe('2019-03-01');
    expect(regular('month', '2019-03-11T00:00:00Z')).toBe('2019-03-11');
  });

  test('is the local day where midnight falls into a gap', () => {
    expect(label({ every: { unit: 'day', count: 1 }, timeZone: 'America/Sao_Paulo' }, '2018-11-04T03:00:00Z')).toBe(
      '2018-11-04',
    );
  });

  test('is the instant in UTC for all that does not begin at local midnight, and for minutes, hours and cron', () => {
    expect(regular('day', '2019-01-31T05:00:00Z')).toBe('20190131t0500z');
    expect(regular('hour', '2019-01-31T00:00:00Z')).toBe('20190131t0000z');
    expect(label({ cron: ['0 0 * * *'], timeZone: 'UTC' }, '2019-01-31T00:00:00Z')).toBe('20190131t0000z');
    expect(regular('minute', '2019-01-31T00:00:05.250Z')).toBe('20190131t000005250z');
  });
});
