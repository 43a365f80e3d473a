import { describe, expect, test } from 'vitest';
import { parseWindowStart } from '../../../controller/windows/select.ts';
import type { CalendarSpec, CompiledSchedule } from '../../../schemas/generated/types.ts';

function schedule(calendar: CalendarSpec, more: Partial<CompiledSchedule> = {}): CompiledSchedule {
  return { calendar, startAt: null, endAt: null, delayMs: 0, deadlineMs: null, catchUp: 'all', ...more };
}
const every = (unit: NonNullable<CalendarSpec['every']>['unit'], timeZone = 'America/New_York') =>
  schedule({ every: { unit, count: 1 }, timeZone });

function labelOf(text: string, given: CompiledSchedule): string {
  const choice = parseWindowStart(text, given);
  return 'window' in choice ? choice.window.label : choice.error;
}

describe('a window named by its start', () => {
  test('is found by year, quarter, month, week and day in the zone of the schedule', () => {
    expect(labelOf('2019', every('year'))).toBe('2019');
    expect(labelOf('2019-Q2', every('quarter'))).toBe('2019-q2');
    expect(labelOf('2019-01', every('month'))).toBe('2019-01');
    expect(labelOf('2019-w05', every('week'))).toBe('2019-w05');
    expect(labelOf('2020-w53', every('week'))).toBe('2020-w53');
    expect(labelOf('2019-01-31', every('day'))).toBe('2019-01-31');
    expect(labelOf('2019-01-01', every('month'))).toBe('2019-01');
  });

  test('is found by local time, by an instant with an offset, and by its label', () => {
    for (const text of [
      '2019-01-31T06:00',
      '2019-01-31 06:00',
      '2019-01-31T11:00:00Z',
      '2019-01-31T12:00+01:00',
      '20190131t1100z',
    ]) {
      expect(labelOf(text, every('hour'))).toBe('20190131t1100z');
    }
    const cron = schedule({ cron: ['0 6 * * *'], timeZone: 'America/New_York' });
    expect(labelOf('2019-01-31T06:00', cron)).toBe('20190131t1100z');
    expect(
      labelOf(
        '20190131t000005250z',
        schedule({ every: { unit: 'minute', count: 1 }, timeZone: 'UTC', anchor: '2019-01-01T00:00:05.25' }),
      ),
    ).toBe('20190131t000005250z');
  });

  test('is refused with the nearest ones when none starts there', () => {
    expect(labelOf('2019-01-15', every('month'))).toBe(
      'no window starts at "2019-01-15" (America/New_York); the nearest are 2019-01 and 2019-02',
    );
    const choice = parseWindowStart('2018-12', every('month'), { beginsAt: new Date('2019-01-01T05:00:00Z') });
    expect(choice).toEqual({ error: 'no window starts at "2018-12" (America/New_York); the first is 2019-01' });
  });

  test('is refused when its local time comes twice or not at all', () => {
    expect(labelOf('2019-11-03T01:00', every('hour'))).toBe(
      'two windows start at "2019-11-03T01:00" (America/New_York), because clocks go back; name one: 20191103t0500z or 20191103t0600z',
    );
    expect(labelOf('2019-03-10T02:00', every('hour'))).toMatch(/clocks skip that time; name its start in UTC$/);
  });

  test('is refused past `endAt`', () => {
    const ending = { ...every('month'), endAt: '2019-02-15T00:00:00Z' };
    expect(labelOf('2019-01', ending)).toBe('2019-01');
    expect(labelOf('2019-02', ending)).toMatch(/would end after `endAt`/);
  });

  test('is refused with the forms that can be written when it is no date', () => {
    for (const text of [
      '',
      'yesterday',
      '2019-13',
      '2019-02-30',
      '2019-w54',
      '2019-w00',
      '2019-01-31T25:00',
      '2019-q5',
    ]) {
      expect(labelOf(text, every('day'))).toMatch(/is not the start of a window; name its start, as in/);
    }
  });
});
