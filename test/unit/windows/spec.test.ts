import { describe, expect, test } from 'vitest';
import { checkCron, isTimeZone, parseEvery, parseInstant, plainCron } from '../../../controller/windows/spec.ts';

describe('`every`', () => {
  test('is a unit, or a number of them', () => {
    expect(parseEvery('month')).toEqual({ count: 1, unit: 'month' });
    expect(parseEvery('15 minutes')).toEqual({ count: 15, unit: 'minute' });
    expect(parseEvery('1 day')).toEqual({ count: 1, unit: 'day' });
  });

  test('is refused when it is anything else', () => {
    for (const text of [
      '',
      'fortnight',
      '0 days',
      '-1 day',
      '1.5 hours',
      '15minutes',
      '101 years',
      '9999999999 minutes',
      'Month',
      'days',
    ]) {
      expect(parseEvery(text)).toBeNull();
    }
  });
});

describe('a cron text', () => {
  test('is good with five fields of numbers, names, steps, ranges, last and nth days', () => {
    for (const text of [
      '* * * * *',
      '*/15 0-6 * * 1-5',
      '0 6 1,15 JAN-mar MON',
      '0 0 L * *',
      '0 0 * * 5L',
      '0 0 * * THU#2',
      '0 0 29 2 *',
      '@daily',
    ]) {
      expect(checkCron(text)).toBeNull();
    }
  });

  test('has one form, in which names such as @daily are written out', () => {
    expect(plainCron(' 0  6 * * 1-5 ')).toBe('0 6 * * 1-5');
    expect(plainCron('@Weekly')).toBe('0 0 * * 0');
  });

  test('is refused with what is wrong', () => {
    expect(checkCron('')).toMatch(/^has 0 fields; write five/);
    expect(checkCron('* * * *')).toMatch(/^has 4 fields; write five/);
    expect(checkCron('* * * * * *')).toMatch(/^has 6 fields; write five/);
    expect(checkCron('@reboot')).toMatch(/^is "@reboot", which is no schedule; write one of @yearly/);
    expect(checkCron('60 * * * *')).toMatch(/expected range 0-59/);
    expect(checkCron('0 0 30 2 *')).toMatch(/is not a valid cron text/);
    expect(checkCron('H * * * *')).toMatch(/uses `H`/);
    expect(checkCron('0 0 * * H(1-3)')).toMatch(/uses `H`/);
  });
});

describe('a time zone', () => {
  test('is an IANA name', () => {
    for (const name of ['UTC', 'America/New_York', 'US/Eastern', 'Etc/GMT+5']) expect(isTimeZone(name)).toBe(true);
    for (const name of ['', '+02:00', 'Mars/Olympus', 'Europe/Berln']) expect(isTimeZone(name)).toBe(false);
  });
});

describe('`startAt` and `endAt`', () => {
  test('read a date, a local time and an instant', () => {
    expect(parseInstant('2019-01-01', 'America/New_York')).toEqual(new Date('2019-01-01T05:00:00Z'));
    expect(parseInstant('2018-11-04', 'America/Sao_Paulo')).toEqual(new Date('2018-11-04T03:00:00Z'));
    expect(parseInstant('2019-01-01T06:00', 'Europe/Berlin')).toEqual(new Date('2019-01-01T05:00:00Z'));
    expect(parseInstant('2019-01-01T06:00:00+02:00', 'Europe/Berlin')).toEqual(new Date('2019-01-01T04:00:00Z'));
  });

  test('refuse what is no time', () => {
    for (const text of ['', 'soon', '2019', '2019-02-30', '2019-01-01T24:01', '2019-01-01T06', '2019-01-01+02:00']) {
      expect(parseInstant(text, 'UTC')).toBeNull();
    }
  });
});
