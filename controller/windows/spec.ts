import { CronExpressionParser } from 'cron-parser';
import { Temporal } from 'temporal-polyfill';
import type { Every } from './every.ts';
import { localToInstant, startOfDay } from './zone.ts';

/** The longest window of each unit is about a century; more is a slip of the pen. */
const most: Record<Every['unit'], number> = {
  minute: 1_000_000,
  hour: 876_000,
  day: 36_500,
  week: 5_200,
  month: 1_200,
  quarter: 400,
  year: 100,
};

/** Reads `every`: `month`, `15 minutes`. Null when it is not of this form. */
export function parseEvery(text: string): Every | null {
  const match = /^(?:([1-9]\d{0,6}) +)?(minute|hour|day|week|month|quarter|year)(s?)$/.exec(text.trim());
  if (!match || (match[3] && !match[1])) return null;
  const unit = match[2] as Every['unit'];
  const count = Number(match[1] ?? 1);
  return count <= most[unit] ? { count, unit } : null;
}

/** What Vixie's cron has a name for, as five fields. */
const named: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** A cron text as five fields with one space between them; `@daily` and its like are written out. */
export function plainCron(text: string): string {
  const plain = text.trim().replace(/\s+/g, ' ');
  return named[plain.toLowerCase()] ?? plain;
}

/** What is wrong with a cron text, as the rest of a sentence that begins with it; null when it is good. */
export function checkCron(written: string): string | null {
  const text = plainCron(written);
  if (text.startsWith('@')) return `is "${text}", which is no schedule; write one of ${Object.keys(named).join(', ')}`;
  const fields = text.split(' ');
  if (fields.length !== 5 || text === '') {
    const found = text === '' ? 0 : fields.length;
    return `has ${found} fields; write five: minute, hour, day of month, month, day of week`;
  }
  // cron-parser would fill an `H` with a number of its own choice, another one in every process.
  if (fields.some((field) => /H/.test(field.replace(/[A-Z]{3}/gi, ''))))
    return 'uses `H`, which Pipewright does not know; write the number';
  try {
    CronExpressionParser.parse(text, { tz: 'UTC' });
    return null;
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return `is not a valid cron text (${detail}); write five fields, as in \`0 6 * * 1-5\``;
  }
}

/** Whether this is the name of an IANA time zone; bare offsets such as `+02:00` are not. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** Whether this is a day of the calendar, written `2026-12-25`. */
export function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  try {
    return Temporal.PlainDate.from(text).toString() === text;
  } catch {
    return false;
  }
}

/**
 * Reads a date (its first instant), a local date and time (the earlier one in a fold, moved on in a gap) or an RFC 3339
 * instant. Null when it is none of them.
 */
export function parseInstant(text: string, timeZone: string): Date | null {
  const match = /^\d{4}-\d\d-\d\d(?:[Tt ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)([Zz]|[+-]\d\d:\d\d)?)?$/.exec(text.trim());
  if (!match) return null;
  const [whole, time, offset] = match;
  try {
    if (offset) return new Date(Temporal.Instant.from(whole.replace(' ', 'T')).epochMilliseconds);
    if (time) return new Date(localToInstant(Temporal.PlainDateTime.from(whole.replace(' ', 'T')), timeZone));
    return new Date(startOfDay(Temporal.PlainDate.from(whole), timeZone));
  } catch {
    return null;
  }
}
