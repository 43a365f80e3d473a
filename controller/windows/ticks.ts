import { CronExpressionParser } from 'cron-parser';

const dayMs = 86_400_000;
const minuteMs = 60_000;
/** The Gregorian calendar repeats after this many days; a day that has not come by then never comes. */
const longestWait = 146_097;

/**
 * The ticks of cron texts on a clock without a zone. Times are local wall-clock time written as if it were UTC, in
 * milliseconds. cron-parser reads the texts and judges days; it does not see zones, where its iteration is wrong (it
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

/**
 * The ticks of all the texts together. `blackoutDates` (`2026-12-25`) have none.
 * @throws Error of cron-parser when a field is wrong.
 */
export function wallTicks(crons: readonly string[], blackoutDates: readonly string[] = []): WallTicks {
  const minutesOn = minutesByDay(crons, new Set(blackoutDates.map((date) => Date.parse(date) / dayMs)));
  const dayFrom = (day: number, step: 1 | -1) => {
    for (let i = 0; i < longestWait; i++, day += step) if (minutesOn(day).length > 0) return day;
    return null;
  };
  const instant = (day: number, minute: number | undefined) => day * dayMs + (minute ?? 0) * minuteMs;

  const next = (at: number) => {
    const day = Math.floor(at / dayMs);
    const later = minutesOn(day).find((minute) => instant(day, minute) > at);
    if (later !== undefined) return instant(day, later);
    const following = dayFrom(day + 1, 1);
    return following === null ? null : instant(following, minutesOn(following)[0]);
  };
  const floor = (at: number) => {
    const day = Math.floor(at / dayMs);
    const earlier = minutesOn(day).findLast((minute) => instant(day, minute) <= at);
    if (earlier !== undefined) return instant(day, earlier);
    const before = dayFrom(day - 1, -1);
    return before === null ? null : instant(before, minutesOn(before).at(-1));
  };
  const countOnDay = (day: number, from: number, to: number) =>
    minutesOn(day).filter((minute) => instant(day, minute) > from && instant(day, minute) <= to).length;
  const count = (from: number, to: number) => {
    const [first, last] = [Math.floor(from / dayMs), Math.floor(to / dayMs)];
    let total = 0;
    for (let day = first; day <= last; day++)
      total += day === first || day === last ? countOnDay(day, from, to) : minutesOn(day).length;
    return total;
  };
  const has = (at: number) => {
    const day = Math.floor(at / dayMs);
    return minutesOn(day).some((minute) => instant(day, minute) === at);
  };
  return { next, floor, has, count };
}

/** So many days are remembered: whoever walks asks of the same few again and again, and judging a day is dear. */
const rememberedDays = 64;

/** The minutes of a day (numbered from 1970) that tick, in order. */
function minutesByDay(crons: readonly string[], blackout: ReadonlySet<number>): (day: number) => readonly number[] {
  const judge = minutesOfTexts(crons);
  const remembered = new Map<number, readonly number[]>();
  return (day) => {
    const known = remembered.get(day);
    if (known) return known;
    const found = blackout.has(day) ? [] : judge(day);
    if (remembered.size >= rememberedDays) remembered.clear();
    remembered.set(day, found);
    return found;
  };
}

/** Merges the minutes of several texts once for each set of them that shares a day. */
function minutesOfTexts(crons: readonly string[]): (day: number) => readonly number[] {
  const texts = crons.map((cron) => ({ isOn: dayRule(cron), minutes: minutesOf(cron) }));
  const shared = new Map<string, readonly number[]>();
  return (day) => {
    const date = new Date(day * dayMs);
    const on = texts.filter(({ isOn }) => isOn(date));
    if (on.length < 2) return on[0]?.minutes ?? [];
    const key = on.map((text) => texts.indexOf(text)).join();
    const merged = shared.get(key) ?? [...new Set(on.flatMap(({ minutes }) => minutes))].sort((a, b) => a - b);
    shared.set(key, merged);
    return merged;
  };
}

function minutesOf(cron: string): number[] {
  const { hour, minute } = CronExpressionParser.parse(cron, { tz: 'UTC' }).fields;
  return hour.values.flatMap((h) => minute.values.map((m) => h * 60 + m)).sort((a, b) => a - b);
}

/** As in Vixie's cron: with `*` at the head of either field both must hold, else one of them is enough. */
function dayRule(cron: string): (date: Date) => boolean {
  const [, , dayOfMonth = '*', month = '*', dayOfWeek = '*'] = cron.trim().split(/\s+/);
  const rule = (days: string) => {
    if (days === '* *') return () => true;
    const [day, weekday] = days.split(' ');
    const parsed = CronExpressionParser.parse(`0 0 ${day} * ${weekday}`, { tz: 'UTC' });
    return (date: Date) => parsed.includesDate(date);
  };
  const months = new Set<number>(CronExpressionParser.parse(`0 0 1 ${month} *`, { tz: 'UTC' }).fields.month.values);
  const isDay = rule(`${dayOfMonth} *`);
  const isWeekday = rule(`* ${dayOfWeek}`);
  const isOn =
    /^[*?]/.test(dayOfMonth) || /^[*?]/.test(dayOfWeek)
      ? (date: Date) => isDay(date) && isWeekday(date)
      : (date: Date) => isDay(date) || isWeekday(date);
  return (date) => months.has(date.getUTCMonth() + 1) && isOn(date);
}
