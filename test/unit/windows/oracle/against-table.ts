import type { Calendar } from '../../../../controller/windows/calendar.ts';
import type { Stretch } from './zone-table.ts';

export const dayMs = 86_400_000;
export const aroundMs = 3 * dayMs;
export const years = { from: Date.UTC(2016, 0, 1), to: Date.UTC(2026, 0, 1) };
export const monthEnds = Array.from({ length: 120 }, (_, month) => Date.UTC(2016, month + 1, 1));

export type Zone = { readonly timeZone: string; readonly stretches: readonly Stretch[] };

/** Every zone there is; those whose stretches are the same are one. */
export function allZones(zoneIn: (timeZone: string) => Zone): Zone[] {
  const groups = Map.groupBy(Intl.supportedValuesOf('timeZone').map(zoneIn), ({ stretches }) =>
    JSON.stringify(stretches),
  );
  return [...groups.values()].map(([zone]) => zone!);
}

/** A calendar's boundaries in `[from, to)`, walked forward and back and counted, against those of a table; a sentence where they differ. */
export function againstTable(
  name: string,
  calendar: Calendar,
  expected: readonly number[],
  { from, to }: { from: number; to: number },
): string[] {
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
    `${name} in ${calendar.spec.timeZone}: expected ${say(expected)}; found ${say(found)}; back ${say(back)}; counted ${counted}`,
  ];
}

/** Hands out the calendars in turn, so that each meets every kind of place. */
export function dealer<Case>(cases: readonly Case[]) {
  let turn = 0;
  return (count: number) => Array.from({ length: count }, () => cases[turn++ % cases.length]!);
}
