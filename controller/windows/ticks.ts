import { CronExpressionParser } from 'cron-parser';

const dayMs = 86_400_000;
const minuteMs = 60_000;
/** The Gregorian calendar repeats after this many days; a day that has not come by then never comes. */
const longestWait = 146_097;

/**
 * The ticks of a cron text on a clock without a zone. Times are local wall-clock time written as if it were UTC, in
 * milliseconds. cron-parser reads the text and judges days; it does not see zones, where its iteration is wrong (it
 * depends on where it began, and gives up in Australia/Lord_Howe).
 */
export type WallTicks = {
  /** The first tick after `at`, or null when there is none in 400 years. */
  next(at: number): number | null;
  /** The last tick at or before `at`, or null. */
  floor(at: number): number | null;
  has(at: number): boolean;
  /** How many ticks lie in `(from, to]`. */
  count(from: number, to: number): number;
};

/** @throws Error of cron-parser when a field is wrong. */
export function wallTicks(cron: string): WallTicks {
  const { fields } = CronExpressionParser.parse(cron, { tz: 'UTC' });
  const minutes = fields.hour.values.flatMap((hour) => fields.minute.values.map((minute) => hour * 60 + minute));
  minutes.sort((a, b) => a - b);
  const days = CronExpressionParser.parse(`0 0 ${cron.trim().split(/\s+/).slice(2).join(' ')}`, { tz: 'UTC' });
  const dayMatches = (day: number) => days.includesDate(new Date(day * dayMs));
  const dayFrom = (day: number, step: 1 | -1) => {
    for (let i = 0; i < longestWait; i++, day += step) if (dayMatches(day)) return day;
    return null;
  };
  const instant = (day: number, minute: number | undefined) => day * dayMs + (minute ?? 0) * minuteMs;

  const next = (at: number) => {
    const day = Math.floor(at / dayMs);
    const later = minutes.find((minute) => instant(day, minute) > at);
    if (later !== undefined && dayMatches(day)) return instant(day, later);
    const following = dayFrom(day + 1, 1);
    return following === null ? null : instant(following, minutes[0]);
  };
  const floor = (at: number) => {
    const day = Math.floor(at / dayMs);
    const earlier = minutes.findLast((minute) => instant(day, minute) <= at);
    if (earlier !== undefined && dayMatches(day)) return instant(day, earlier);
    const before = dayFrom(day - 1, -1);
    return before === null ? null : instant(before, minutes.at(-1));
  };
  const countOnDay = (day: number, from: number, to: number) =>
    minutes.filter((minute) => instant(day, minute) > from && instant(day, minute) <= to).length;
  const count = (from: number, to: number) => {
    const [first, last] = [Math.floor(from / dayMs), Math.floor(to / dayMs)];
    let total = 0;
    for (let day = first; day <= last; day++) {
      if (!dayMatches(day)) continue;
      total += day === first || day === last ? countOnDay(day, from, to) : minutes.length;
    }
    return total;
  };
  const has = (at: number) => {
    const day = Math.floor(at / dayMs);
    return minutes.some((minute) => instant(day, minute) === at) && dayMatches(day);
  };
  return { next, floor, has, count };
}
