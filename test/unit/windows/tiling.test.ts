import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { describe, expect, test } from 'vitest';
import { createCalendar } from '../../../controller/windows/calendar.ts';
import type { CalendarSpec } from '../../../schemas/generated/types.ts';
import { transitionsOf, zones } from './zones.ts';

const units = ['minute', 'hour', 'day', 'week', 'month', 'quarter', 'year'] as const;
const crons = [
  '* * * * *',
  '*/7 * * * *',
  '0 * * * *',
  '30 1 * * *',
  '30 2 * * *',
  '0 0 * * *',
  '15,45 0-3 * * 1-5',
  '0 6 1 * *',
  '0 0 * * 5L',
  '0 23 L * *',
];

const calendarSpec: fc.Arbitrary<CalendarSpec> = fc
  .record({ timeZone: fc.constantFrom(...zones) })
  .chain(({ timeZone }) =>
    fc.oneof(
      fc.constantFrom(...crons).map((cron) => ({ cron: [cron], timeZone })),
      fc.record({ unit: fc.constantFrom(...units), count: fc.integer({ min: 1, max: 5 }) }).map((every) => {
        const anchor = every.count > 1 ? { anchor: '2011-03-13T02:30' } : {};
        return { every, timeZone, ...anchor };
      }),
    ),
  );

/** An instant near a change of the zone's clocks, or anywhere else. */
function instantIn(timeZone: string): fc.Arbitrary<Date> {
  const anywhere = fc.date({ min: new Date('1985-01-01'), max: new Date('2027-12-31'), noInvalidDate: true });
  const transitions = transitionsOf(timeZone);
  if (transitions.length === 0) return anywhere;
  const near = fc.tuple(fc.constantFrom(...transitions), fc.integer({ min: -30 * 60, max: 30 * 60 }));
  return fc.oneof(
    anywhere,
    fc.constantFrom(...transitions),
    near.map(([at, minutes]) => new Date(at.getTime() + minutes * 60_000)),
  );
}

const calendarAndInstant = calendarSpec.chain((spec) => fc.tuple(fc.constant(spec), instantIn(spec.timeZone)));

describe('a calendar', () => {
  test('tiles time: every instant lies in exactly one window, and windows meet without gap or overlap', () => {
    fc.assert(
      fc.property(calendarAndInstant, ([spec, at]) => {
        const calendar = createCalendar(spec);
        const window = calendar.windowContaining(at)!;
        expect(window.start <= at && at < window.end).toBe(true);
        const later = calendar.windowFrom(window.end);
        const earlier = calendar.windowBefore(window.start);
        expect(later.end > later.start && earlier.end > earlier.start).toBe(true);
        expect(calendar.windowContaining(new Date(window.end.getTime() - 1))).toEqual(window);
        expect(calendar.windowContaining(earlier.start)).toEqual(earlier);
        expect(calendar.windowContaining(later.start)).toEqual(later);
      }),
      { numRuns: 700 },
    );
  });

  test('cuts the same boundaries wherever one begins to look, and counts them right', () => {
    fc.assert(
      fc.property(calendarAndInstant, fc.integer({ min: 2, max: 40 }), ([spec, at], steps) => {
        const calendar = createCalendar(spec);
        const walked = calendar.windows(at, { until: new Date(8.64e15), limit: steps });
        const [first, last] = [walked[0]!, walked.at(-1)!];
        expect(first.start >= at).toBe(true);
        const back = [last];
        while (back[0]!.start > first.start) back.unshift(createCalendar(spec).windowBefore(back[0]!.start));
        expect(back).toEqual(walked);
        expect(calendar.countWindows(first.start, last.end)).toBe(steps);
      }),
      { numRuns: 200 },
    );
  });

  test('begins windows of a day or more at the first instant of a local day', () => {
    const dated = calendarAndInstant.filter(([spec]) => !['minute', 'hour', undefined].includes(spec.every?.unit));
    fc.assert(
      fc.property(dated, ([spec, at]) => {
        const { start } = createCalendar(spec).windowContaining(at)!;
        const zoned = Temporal.Instant.fromEpochMilliseconds(start.getTime()).toZonedDateTimeISO(spec.timeZone);
        expect(zoned.startOfDay().epochMilliseconds).toBe(start.getTime());
      }),
      { numRuns: 200 },
    );
  });

  test('gives each window a label of its own, safe in the name of a Kubernetes object', () => {
    fc.assert(
      fc.property(calendarAndInstant, ([spec, at]) => {
        const labels = createCalendar(spec)
          .windows(at, { until: new Date(8.64e15), limit: 60 })
          .map((window) => window.label);
        expect(new Set(labels).size).toBe(60);
        for (const label of labels) expect(label).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
      }),
      { numRuns: 300 },
    );
  });

  test('that takes over from another begins where that one ended, so that time stays tiled across the change', () => {
    fc.assert(
      fc.property(calendarAndInstant, calendarSpec, ([old, at], spec) => {
        const cursor = createCalendar(old).windowContaining(at)!.end;
        const calendar = createCalendar(spec, { beginsAt: cursor });
        const [first, second] = calendar.windows(cursor, { until: new Date(8.64e15), limit: 2 });
        expect(first!.start).toEqual(cursor);
        expect(second!.start).toEqual(first!.end);
        expect(createCalendar(spec).boundaryAtOrBefore(first!.end)).toEqual(first!.end);
        expect(calendar.windowContaining(new Date(cursor.getTime() - 1))).toBeNull();
        expect(calendar.windowContaining(cursor)).toEqual(first);
        expect(calendar.windowBefore(second!.start)).toEqual(first);
        expect(calendar.countWindows(cursor, second!.end)).toBe(2);
      }),
      { numRuns: 300 },
    );
  });
});
