import { Temporal } from 'temporal-polyfill';
import type { CompiledSchedule } from '../../schemas/generated/types.ts';
import { type Calendar, createCalendar } from './calendar.ts';
import { type DueWindow, endOf, withTimes } from './due.ts';
import { startOfDay } from './zone.ts';

/** `error` is a sentence to follow `pipeline "a": `. */
export type WindowChoice = { readonly window: DueWindow } | { readonly error: string };

/**
 * Finds the window that a person names by its start: `2019`, `2019-q1`, `2019-01`, `2019-w05`, `2019-01-31`, a local date
 * and time, an RFC 3339 instant, or its label. `beginsAt` as for a calendar.
 */
export function parseWindowStart(
  text: string,
  schedule: CompiledSchedule,
  options: { beginsAt?: Date } = {},
): WindowChoice {
  const { timeZone } = schedule.calendar;
  const starts = startsNamedBy(text.trim(), timeZone);
  if (starts === null) {
    return {
      error: `"${text}" is not the start of a window; name its start, as in \`2019-01\`, \`2019-01-31\`, \`2019-01-31T06:00\` or \`2019-01-31T06:00Z\``,
    };
  }
  const calendar = createCalendar(schedule.calendar, options);
  const [window, second] = starts
    .map((start) => calendar.windowStartingAtOrAfter(start))
    .filter(({ start }, i) => start.getTime() === starts[i]?.getTime());
  if (!window) return { error: `no window starts at "${text}" (${timeZone})${nearest(calendar, starts[0])}` };
  if (second) {
    const names = `${window.label} or ${second.label}`;
    return { error: `two windows start at "${text}" (${timeZone}), because clocks go back; name one: ${names}` };
  }
  if (window.end.getTime() > endOf(schedule)) {
    return { error: `window "${text}" would end after \`endAt\` (${schedule.endAt}); name an earlier one` };
  }
  return { window: withTimes(window, schedule) };
}

function nearest(calendar: Calendar, at: Date | undefined): string {
  if (!at) return ', because clocks skip that time; name its start in UTC';
  const before = calendar.windowContaining(at);
  const after = calendar.windowStartingAtOrAfter(at);
  return before ? `; the nearest are ${before.label} and ${after.label}` : `; the first is ${after.label}`;
}

/** The first instant that a text names, in the forms of `parseWindowStart`; null when it is none of them. */
export function instantOf(text: string, timeZone: string): Date | null {
  return startsNamedBy(text.trim(), timeZone)?.[0] ?? null;
}

/** The instants that a text can mean: none in a gap, two in a fold; null when it is no date at all. */
function startsNamedBy(text: string, timeZone: string): Date[] | null {
  try {
    const date = dateNamedBy(text);
    if (date) return [new Date(startOfDay(date, timeZone))];
    const instant = instantNamedBy(text);
    if (instant) return [new Date(instant.epochMilliseconds)];
    return /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?$/.test(text) ? localTimes(text, timeZone) : null;
  } catch {
    return null;
  }
}

function dateNamedBy(text: string): Temporal.PlainDate | null {
  const match = /^(\d{4})(?:-(?:[qQ]([1-4])|[wW](\d\d)|(\d\d)(?:-(\d\d))?))?$/.exec(text);
  if (!match) return null;
  const [, year = '', quarter, week, month, day] = match;
  if (week) return isoWeek(Number(year), Number(week));
  const monthNumber = quarter ? Number(quarter) * 3 - 2 : Number(month ?? 1);
  return Temporal.PlainDate.from(
    { year: Number(year), month: monthNumber, day: Number(day ?? 1) },
    { overflow: 'reject' },
  );
}

function isoWeek(year: number, week: number): Temporal.PlainDate {
  const inFirst = Temporal.PlainDate.from({ year, month: 1, day: 4 });
  const monday = inFirst.subtract({ days: inFirst.dayOfWeek - 1 }).add({ weeks: week - 1 });
  if (monday.yearOfWeek !== year || week === 0) throw new RangeError('no such week');
  return monday;
}

function instantNamedBy(text: string): Temporal.Instant | null {
  const label = /^(\d{4})(\d\d)(\d\d)[tT](\d\d)(\d\d)(?:(\d\d)(\d{3})?)?[zZ]$/.exec(text);
  if (label) {
    const [, year, month, day, hour, minute, second = '00', fraction = '000'] = label;
    return Temporal.Instant.from(`${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction}Z`);
  }
  return /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d.*([zZ]|[+-]\d\d:\d\d)$/.test(text)
    ? Temporal.Instant.from(text.replace(' ', 'T'))
    : null;
}

function localTimes(text: string, timeZone: string): Date[] {
  const local = Temporal.PlainDateTime.from(text.replace(' ', 'T'));
  const times = (['earlier', 'later'] as const)
    .map((disambiguation) => local.toZonedDateTime(timeZone, { disambiguation }))
    .filter((time) => time.toPlainDateTime().equals(local))
    .map((time) => time.epochMilliseconds);
  return [...new Set(times)].map((at) => new Date(at));
}
