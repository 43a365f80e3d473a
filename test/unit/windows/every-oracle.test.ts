import { describe, expect, test } from 'vitest';
import { createCalendar } from '../../../controller/windows/calendar.ts';
import {
  againstTable,
  allZones,
  aroundMs,
  dayMs,
  dealer,
  monthEnds,
  years,
  type Zone,
} from './oracle/against-table.ts';
import { boundariesOf, type EveryCase, everyCases } from './oracle/every-table.ts';
import { stretchesOf } from './oracle/zone-table.ts';
import { zones } from './zones.ts';

/** From before the oldest anchor on, which a table of stretches must reach. */
const zoneIn = (timeZone: string, to: number): Zone => ({
  timeZone,
  stretches: stretchesOf(timeZone, Date.UTC(2011, 0, 1), to + 400 * dayMs),
});

const all = allZones((timeZone) => zoneIn(timeZone, years.to));

/** Boundaries by our calendar, walked forward and back, against those of the table in `[from, to)`; a sentence where they differ. */
function differences(one: EveryCase, { timeZone, stretches }: Zone, from: number, to: number): string[] {
  const calendar = createCalendar({ ...one, timeZone });
  const expected = boundariesOf(one, stretches, from, to);
  return againstTable(JSON.stringify(one), calendar, expected, { from, to });
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
