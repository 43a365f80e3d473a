import { describe, expect, test } from 'vitest';
import { createCalendar } from '../../../controller/windows/calendar.ts';
import { cronCases, rareCases } from './oracle/calendars.ts';
import { type CronCase, ticksOf } from './oracle/cron-table.ts';
import { type Stretch, stretchesOf } from './oracle/zone-table.ts';
import { zones } from './zones.ts';

const dayMs = 86_400_000;
const aroundMs = 3 * dayMs;
const years = { from: Date.UTC(2016, 0, 1), to: Date.UTC(2026, 0, 1) };
const monthEnds = Array.from({ length: 120 }, (_, month) => Date.UTC(2016, month + 1, 1));

type Zone = { readonly timeZone: string; readonly stretches: readonly Stretch[] };
const zoneIn = (timeZone: string, { from, to }: typeof years): Zone => ({
  timeZone,
  stretches: stretchesOf(timeZone, from - 10 * dayMs, to + 10 * dayMs),
});

/** Every zone there is; those whose clocks did the same in these years are one. */
const all = [
  ...Map.groupBy(
    Intl.supportedValuesOf('timeZone').map((timeZone) => zoneIn(timeZone, years)),
    ({ stretches }) => JSON.stringify(stretches),
  ).values(),
].map(([zone]) => zone!);

/** Boundaries by our calendar against those of the table, in `[from, to)`; a sentence for each difference. */
function differences(
  one: CronCase,
  timeZone: string,
  stretches: readonly Stretch[],
  from: number,
  to: number,
): string[] {
  const calendar = createCalendar({
    ...one,
    cron: [...one.cron],
    blackoutDates: [...(one.blackoutDates ?? [])],
    timeZone,
  });
  const expected = ticksOf(one, stretches, from, to);
  const found: number[] = [];
  for (let at = calendar.boundaryAtOrAfter(new Date(from)); at.getTime() < to; at = calendar.next(at))
    found.push(at.getTime());
  const counted = calendar.countWindows(new Date(from - 1), new Date(to - 1));
  const back: number[] = [];
  for (
    let at = calendar.boundaryAtOrBefore(new Date(to - 1));
    at.getTime() >= from;
    at = calendar.windowBefore(at).start
  )
    back.unshift(at.getTime());
  const same = (other: readonly number[]) =>
    other.length === expected.length && other.every((at, i) => at === expected[i]);
  if (same(found) && same(back) && counted === expected.length) return [];
  // Where they part is enough: a calendar of minutes has thousands.
  const say = (list: readonly number[]) => {
    const parts = list.findIndex((at, i) => at !== expected[i]);
    const near = list.slice(Math.max(0, parts - 1), parts + 3);
    return `${list.length}: ${near.map((at) => new Date(at).toISOString().slice(0, 16)).join(' ')}`;
  };
  return [
    `${JSON.stringify(one)} in ${timeZone}: expected ${say(expected)}; found ${say(found)}; back ${say(back)}; counted ${counted}`,
  ];
}

/** Hands out the calendars in turn, so that each meets every kind of place. */
function dealer(cases: readonly CronCase[]) {
  let turn = 0;
  return (count: number) => Array.from({ length: count }, () => cases[turn++ % cases.length]!);
}

describe('cron calendars, against a table of every minute that knows neither cron-parser nor our walk', () => {
  const around = (zone: Zone, at: number, cases: readonly CronCase[]) =>
    cases.flatMap((one) => differences(one, zone.timeZone, zone.stretches, at - aroundMs, at + aroundMs));

  test('agree around every change of the clocks of ten years, in all zones', { timeout: 300_000 }, () => {
    const deal = dealer(cronCases);
    expect(all.length).toBeGreaterThan(90);
    const wrong = all.flatMap((zone) => zone.stretches.slice(1).flatMap(({ at }) => around(zone, at, deal(11))));
    expect(wrong.slice(0, 5)).toEqual([]);
  });

  test('agree around every change of forty years where clocks did odd things', { timeout: 300_000 }, () => {
    const deal = dealer(cronCases);
    const wrong = zones.flatMap((timeZone) => {
      const zone = zoneIn(timeZone, { from: Date.UTC(1986, 0, 1), to: Date.UTC(2027, 0, 1) });
      return zone.stretches.slice(1).flatMap(({ at }) => around(zone, at, deal(7)));
    });
    expect(wrong.slice(0, 5)).toEqual([]);
  });

  test('agree around the ends of months, in all zones', { timeout: 300_000 }, () => {
    const deal = dealer(cronCases);
    const wrong = all.flatMap((zone) => monthEnds.flatMap((at) => around(zone, at, deal(1))));
    expect(wrong.slice(0, 5)).toEqual([]);
  });

  test('agree over ten years as a whole in ten zones', { timeout: 300_000 }, () => {
    const deal = dealer(rareCases);
    const wrong = zones.slice(1, 11).flatMap((timeZone) => {
      const { stretches } = zoneIn(timeZone, years);
      return deal(10).flatMap((one) => differences(one, timeZone, stretches, years.from, years.to));
    });
    expect(wrong.slice(0, 5)).toEqual([]);
  });
});
