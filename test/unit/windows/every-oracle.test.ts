import { describe, expect, test } from 'vitest';
import { createCalendar } from '../../../controller/windows/calendar.ts';
import { boundariesOf, type EveryCase, everyCases } from './oracle/every-table.ts';
import { type Stretch, stretchesOf } from './oracle/zone-table.ts';
import { zones } from './zones.ts';

const dayMs = 86_400_000;
const aroundMs = 3 * dayMs;
const years = { from: Date.UTC(2016, 0, 1), to: Date.UTC(2026, 0, 1) };
const monthEnds = Array.from({ length: 120 }, (_, month) => Date.UTC(2016, month + 1, 1));

type Zone = { readonly timeZone: string; readonly stretches: readonly Stretch[] };
/** From before the oldest anchor on, which a table of stretches must reach. */
const zoneIn = (timeZone: string, to: number): Zone => ({
  timeZone,
  stretches: stretchesOf(timeZone, Date.UTC(2011, 0, 1), to + 400 * dayMs),
});

/** Every zone there is; those whose clocks did the same in these years are one. */
const all = [
  ...Map.groupBy(
    Intl.supportedValuesOf('timeZone').map((timeZone) => zoneIn(timeZone, years.to)),
    ({ stretches }) => JSON.stringify(stretches),
  ).values(),
].map(([zone]) => zone!);

/** Boundaries by our calendar, walked forward and back, against those of the table in `[from, to)`; a sentence where they differ. */
function differences(one: EveryCase, { timeZone, stretches }: Zone, from: number, to: number): string[] {
  const calendar = createCalendar({ ...one, timeZone });
  const expected = boundariesOf(one, stretches, from, to);
  const found: number[] = [];
  for (let at = calendar.boundaryAtOrAfter(new Date(from)); at.getTime() < to; at = calendar.next(at))
    found.push(at.getTime());
  const back: number[] = [];
  for (
    let at = calendar.boundaryAtOrBefore(new Date(to - 1));
    at.getTime() >= from;
    at = calendar.windowBefore(at).start
  )
    back.unshift(at.getTime());
  const counted = calendar.countWindows(new Date(from - 1), new Date(to - 1));
  const same = (other: readonly number[]) => other.join() === expected.join();
  if (same(found) && same(back) && counted === expected.length) return [];
  const say = (list: readonly number[]) => {
    const parts = list.findIndex((at, i) => at !== expected[i]);
    return `${list.length}: ${list
      .slice(Math.max(0, parts - 1), parts + 3)
      .map((at) => new Date(at).toISOString().slice(0, 16))
      .join(' ')}`;
  };
  return [
    `${JSON.stringify(one)} in ${timeZone}: expected ${say(expected)}; found ${say(found)}; back ${say(back)}; counted ${counted}`,
  ];
}

/** Hands out the calendars in turn, so that each meets every kind of place. */
function dealer(cases: readonly EveryCase[]) {
  let turn = 0;
  return (count: number) => Array.from({ length: count }, () => cases[turn++ % cases.length]!);
}

const dated = everyCases.filter(({ every: { unit } }) => unit !== 'minute');

describe('calendars of `every`, against a table of days that knows neither Temporal nor our numbering', () => {
  test('agree around every change of the clocks of ten years, in all zones', { timeout: 300_000 }, () => {
    const deal = dealer(everyCases);
    expect(all.length).toBeGreaterThan(90);
    const wrong = all.flatMap((zone) =>
      zone.stretches
        .slice(1)
        .filter(({ at }) => at >= years.from && at < years.to)
        .flatMap(({ at }) => deal(7).flatMap((one) => differences(one, zone, at - aroundMs, at + aroundMs))),
    );
    expect(wrong.slice(0, 5)).toEqual([]);
  });

  test('agree around the ends of months, in all zones', { timeout: 300_000 }, () => {
    const deal = dealer(dated);
    const wrong = all.flatMap((zone) =>
      monthEnds.flatMap((at) => deal(1).flatMap((one) => differences(one, zone, at - aroundMs, at + aroundMs))),
    );
    expect(wrong.slice(0, 5)).toEqual([]);
  });

  test('agree over ten years as a whole in ten zones, the day that Apia left out among them', {
    timeout: 300_000,
  }, () => {
    const deal = dealer(everyCases.filter(({ every: { unit } }) => unit !== 'minute' && unit !== 'hour'));
    const wrong = [...zones.slice(1, 11), 'Pacific/Apia'].flatMap((timeZone) => {
      const zone = zoneIn(timeZone, Date.UTC(2021, 0, 1));
      return deal(11).flatMap((one) => differences(one, zone, Date.UTC(2011, 6, 1), Date.UTC(2021, 6, 1)));
    });
    expect(wrong.slice(0, 5)).toEqual([]);
  });
});
