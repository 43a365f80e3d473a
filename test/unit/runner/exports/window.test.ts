import { DATE, type DuckDBType, INTEGER, TIMESTAMP, TIMESTAMPTZ } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import { boundsFor, windowPredicate } from '../../../../runner/exports/window.ts';
import type { OrderWindow } from '../../../../schemas/generated/types.ts';
import { january } from './support.ts';

const windowOf = (start: string, end: string): OrderWindow => ({ ...january, start, end, label: 'w' });
const predicate = (type: DuckDBType, window: OrderWindow, timeZone: string) =>
  windowPredicate('"at"', boundsFor({ name: 'at', type }, window, timeZone));

test('an instant is compared with the instants of the window, whatever the zone', () => {
  expect(predicate(TIMESTAMPTZ, windowOf('2019-07-01T04:00:00Z', '2019-08-01T04:00:00Z'), 'America/New_York')).toEqual({
    sql: '"at" >= $1::timestamptz and "at" < $2::timestamptz',
    parameters: ['2019-07-01T04:00:00.000Z', '2019-08-01T04:00:00.000Z'],
  });
});

test.each([TIMESTAMP, DATE])(
  'a %s is compared with the wall clock at the window’s ends, across a change of the clocks',
  (type) => {
    expect(predicate(type, windowOf('2019-03-01T05:00:00Z', '2019-04-01T04:00:00Z'), 'America/New_York')).toEqual({
      sql: '"at" >= $1::timestamp and "at" < $2::timestamp',
      parameters: ['2019-03-01T00:00:00.000', '2019-04-01T00:00:00.000'],
    });
  },
);

test('a column that tells no time is refused', () => {
  expect(() => predicate(INTEGER, january, 'UTC')).toThrow('write.by: column "at" is INTEGER, which tells no window');
});

/** New York: at 06:00Z on 2019-11-03 it becomes 01:00 a second time. Lord Howe: at 15:00Z on 2019-04-06 half an hour is repeated. */
const hours: [title: string, zone: string, start: string, end: string, ambiguous: boolean][] = [
  ['the hour before the repeated one', 'America/New_York', '2019-11-03T04:00:00Z', '2019-11-03T05:00:00Z', false],
  ['the first of the two', 'America/New_York', '2019-11-03T05:00:00Z', '2019-11-03T06:00:00Z', true],
  ['the second of the two', 'America/New_York', '2019-11-03T06:00:00Z', '2019-11-03T07:00:00Z', true],
  ['the hour after them', 'America/New_York', '2019-11-03T07:00:00Z', '2019-11-03T08:00:00Z', false],
  ['a window that holds both', 'America/New_York', '2019-11-03T04:00:00Z', '2019-11-03T08:00:00Z', false],
  ['the day', 'America/New_York', '2019-11-03T04:00:00Z', '2019-11-04T05:00:00Z', false],
  ['the hour that is left out in spring', 'America/New_York', '2019-03-10T07:00:00Z', '2019-03-10T08:00:00Z', false],
  ['half an hour, repeated', 'Australia/Lord_Howe', '2019-04-06T14:30:00Z', '2019-04-06T15:00:00Z', true],
  ['the half hour before it', 'Australia/Lord_Howe', '2019-04-06T14:00:00Z', '2019-04-06T14:30:00Z', false],
  ['a zone without changes', 'UTC', '2019-11-03T05:00:00Z', '2019-11-03T06:00:00Z', false],
];

test.each(hours)('a column without a zone: %s (%s, %s to %s), ambiguous: %s', (_, timeZone, start, end, ambiguous) => {
  const bounds = () => boundsFor({ name: 'at', type: TIMESTAMP }, windowOf(start, end), timeZone);
  if (ambiguous)
    expect(bounds).toThrow(
      `window w begins or ends in the hour that clocks in ${timeZone} repeat; make it TIMESTAMP WITH TIME ZONE`,
    );
  else expect(bounds).not.toThrow();
  expect(() => boundsFor({ name: 'at', type: TIMESTAMPTZ }, windowOf(start, end), timeZone)).not.toThrow();
});
