import type { Temporal } from 'temporal-polyfill';
import type { CalendarSpec } from '../../schemas/generated/types.ts';
import { type Every, unitStart } from './every.ts';
import { startOfDay, zoned } from './zone.ts';

/**
 * The name of the window that begins at `start`; part of run names, so safe for RFC 1123. A window on the regular
 * boundary of a single unit is called by it (`2019`, `2019-q1`, `2019-01`, `2019-w05`, `2019-01-31`), one that begins on
 * another local midnight by its day, and any other (minutes, hours, cron) by its instant in UTC (`20191103t0500z`).
 * Starts differ within a pipeline, so labels do; the one exception is a zone moved back by a whole day (Apia to Honolulu).
 */
export function windowLabel(start: Date, spec: CalendarSpec): string {
  const { every, timeZone } = spec;
  if (!every || every.unit === 'minute' || every.unit === 'hour') return utcLabel(start);
  const date = zoned(start.getTime(), timeZone).toPlainDate();
  if (startOfDay(date, timeZone) !== start.getTime()) return utcLabel(start);
  const regular = every.count === 1 && unitStart(every.unit, date).equals(date);
  return regular ? unitLabel(every.unit, date) : date.toString();
}

function unitLabel(unit: Every['unit'], date: Temporal.PlainDate): string {
  const year = String(date.year).padStart(4, '0');
  switch (unit) {
    case 'year':
      return year;
    case 'quarter':
      return `${year}-q${Math.ceil(date.month / 3)}`;
    case 'month':
      return date.toPlainYearMonth().toString();
    case 'week':
      return `${String(date.yearOfWeek).padStart(4, '0')}-w${String(date.weekOfYear).padStart(2, '0')}`;
    default:
      return date.toString();
  }
}

/** `20191103t0500z`, with seconds and milliseconds only where they are not zero. */
function utcLabel(start: Date): string {
  const [, date = '', minutes = '', seconds = '', milliseconds = ''] =
    /^(.*)T(\d\d:\d\d):(\d\d)\.(\d{3})Z$/.exec(start.toISOString()) ?? [];
  const fraction = milliseconds === '000' ? '' : milliseconds;
  const rest = seconds === '00' && fraction === '' ? '' : `${seconds}${fraction}`;
  return `${date.replaceAll('-', '')}t${minutes.replace(':', '')}${rest}z`;
}
