import { endOfGap, instantsOf, type Stretch } from './zone-table.ts';

const minuteMs = 60_000;
const dayMs = 86_400_000;

export type EveryCase = {
  readonly every: {
    readonly unit: 'minute' | 'hour' | 'day' | 'week' | 'month' | 'quarter' | 'year';
    readonly count: number;
  };
  /** A local date and time that multiples are counted from. */
  readonly anchor?: string;
};

/** Every boundary in `[from, to)`: real lengths by division, dates by asking each day of the wall clock for itself. */
export function boundariesOf(one: EveryCase, stretches: readonly Stretch[], from: number, to: number): number[] {
  const { unit, count } = one.every;
  if (unit === 'minute' || unit === 'hour')
    return realLengths(count * (unit === 'hour' ? 60 : 1) * minuteMs, originOf(one, stretches), from, to);
  const first = Math.floor(from / dayMs) - 2;
  const days = Array.from({ length: Math.ceil((to - from) / dayMs) + 5 }, (_, i) => (first + i) * dayMs);
  const found = days.filter((day) => begins(one, day)).map((day) => firstInstantOf(day, stretches));
  return [...new Set(found)].filter((at) => at >= from && at < to).sort((a, b) => a - b);
}

function realLengths(length: number, origin: number, from: number, to: number): number[] {
  const found = [];
  for (let at = origin + Math.ceil((from - origin) / length) * length; at < to; at += length) found.push(at);
  return found;
}

/** The anchor, as clocks show it: the earlier one in a fold, moved on by the gap in one. Without one, the zone's standard midnight. */
function originOf({ anchor }: EveryCase, stretches: readonly Stretch[]): number {
  if (anchor === undefined) return -standard(stretches);
  const wall = Date.parse(`${anchor}Z`);
  const [instant] = instantsOf(wall, stretches);
  if (instant !== undefined) return instant;
  const end = endOfGap(wall, stretches);
  const after = stretches.findIndex(({ at }) => at === end);
  return wall - (stretches[after - 1]?.offset ?? 0);
}

/** The offset that the zone has in winter: the lesser of those in January and July of 2020. */
function standard(stretches: readonly Stretch[]): number {
  const offsetAt = (wall: number) => stretches.findLast(({ at, offset }) => at + offset <= wall)?.offset ?? 0;
  return Math.min(offsetAt(Date.UTC(2020, 0, 1, 12)), offsetAt(Date.UTC(2020, 6, 1, 12)));
}

/** Midnight, or the first instant after the gap that midnight lies in. A day that was left out begins with the one after it. */
function firstInstantOf(day: number, stretches: readonly Stretch[]): number {
  return instantsOf(day, stretches)[0] ?? endOfGap(day, stretches);
}

/** Whether a window begins on this day of the calendar. */
function begins({ every: { unit, count }, anchor }: EveryCase, day: number): boolean {
  if (!isRegular(unit, day)) return false;
  const first = firstRegular(unit, anchor ?? '1970-01-01T00:00');
  const days = (day - first) / dayMs;
  const months = monthsBetween(first, day);
  const steps = {
    minute: days,
    hour: days,
    day: days,
    week: days / 7,
    month: months,
    quarter: months / 3,
    year: months / 12,
  };
  return steps[unit] % count === 0;
}

function isRegular(unit: EveryCase['every']['unit'], day: number): boolean {
  const date = new Date(day);
  if (unit === 'week') return date.getUTCDay() === 1;
  if (unit === 'day') return true;
  return date.getUTCDate() === 1 && (unit === 'month' || date.getUTCMonth() % (unit === 'year' ? 12 : 3) === 0);
}

/** The first day at or after the anchor on which a window of the unit begins, found by trying one day after the other. */
function firstRegular(unit: EveryCase['every']['unit'], anchor: string): number {
  const wall = Date.parse(`${anchor}Z`);
  // The day of the epoch lies within a week that began before it.
  if (unit === 'week' && wall === 0) return -3 * dayMs;
  let day = Math.ceil(wall / dayMs) * dayMs;
  while (!isRegular(unit, day)) day += dayMs;
  return day;
}

function monthsBetween(from: number, to: number): number {
  const [a, b] = [new Date(from), new Date(to)];
  return (b.getUTCFullYear() - a.getUTCFullYear()) * 12 + b.getUTCMonth() - a.getUTCMonth();
}

const units = ['minute', 'hour', 'day', 'week', 'month', 'quarter', 'year'] as const;
const counts = {
  minute: [1, 7, 15, 90],
  hour: [1, 2, 6, 7],
  day: [1, 2, 3, 10],
  week: [1, 2, 5],
  month: [1, 2, 5],
  quarter: [1, 3],
  year: [1, 4],
};
const anchors = [undefined, '2016-02-29T00:00', '2015-03-29T02:30', '2016-11-06T01:30', '2011-12-30T12:00'];

/** Each unit with each of its multiples and, where it has one, each anchor. */
export const everyCases: readonly EveryCase[] = units.flatMap((unit) =>
  counts[unit].flatMap((count) =>
    anchors
      .filter((anchor) => count > 1 || anchor === undefined)
      .map((anchor) => ({ every: { unit, count }, ...(anchor === undefined ? {} : { anchor }) })),
  ),
);
