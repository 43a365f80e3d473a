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
import { cronCases, rareCases } from './oracle/calendars.ts';
import { type CronCase, ticksOf } from './oracle/cron-table.ts';
import { type Stretch, stretchesOf } from './oracle/zone-table.ts';
import { zones } from './zones.ts';

const zoneIn = (timeZone: string, { from, to }: typeof years): Zone => ({
  timeZone,
  stretches: stretchesOf(timeZone, from - 10 * dayMs, to + 10 * dayMs),
});

const all = allZones((timeZone) => zoneIn(timeZone, years));

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
  return againstTable(JSON.stringify(one), calendar, expected, { from, to });
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
