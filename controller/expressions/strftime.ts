import { Temporal } from 'temporal-polyfill';
import type { FormatDirective } from '../../schemas/expressions.ts';

type Zoned = Temporal.ZonedDateTime;

const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const days = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const pad = (value: number, width: number) => String(value).padStart(width, '0');
const date = (at: Zoned) => `${pad(at.year, 4)}-${pad(at.month, 2)}-${pad(at.day, 2)}`;
const clock = (at: Zoned) => `${pad(at.hour, 2)}:${pad(at.minute, 2)}:${pad(at.second, 2)}`;

const directives: Readonly<Record<FormatDirective, (at: Zoned) => string>> = {
  '%Y': (at) => pad(at.year, 4),
  '%y': (at) => pad(at.year % 100, 2),
  '%m': (at) => pad(at.month, 2),
  '%d': (at) => pad(at.day, 2),
  '%H': (at) => pad(at.hour, 2),
  '%M': (at) => pad(at.minute, 2),
  '%S': (at) => pad(at.second, 2),
  '%j': (at) => pad(at.dayOfYear, 3),
  '%b': (at) => (months[at.month - 1] ?? '').slice(0, 3),
  '%B': (at) => months[at.month - 1] ?? '',
  '%a': (at) => (days[at.dayOfWeek - 1] ?? '').slice(0, 3),
  '%A': (at) => days[at.dayOfWeek - 1] ?? '',
  '%F': date,
  '%T': clock,
  '%z': (at) => at.offset.replace(':', ''),
  '%Z': zoneName,
  '%s': (at) => String(Math.floor(at.epochMilliseconds / 1000)),
  '%%': () => '%',
};

/** The first directive in `pattern` that `format` does not know, such as `%Q`, or undefined. */
export function unknownDirective(pattern: string): string | undefined {
  return pattern.match(/%[\s\S]?/g)?.find((directive) => !Object.hasOwn(directives, directive));
}

/** Writes `instant` in `timeZone` (IANA name or `+hh:mm`). Throws a RangeError for an unknown directive or zone. */
export function formatInstant(instant: Date, pattern: string, timeZone: string): string {
  const unknown = unknownDirective(pattern);
  if (unknown !== undefined) {
    throw new RangeError(`format knows no directive "${unknown}"; it knows ${Object.keys(directives).join(' ')}`);
  }
  const at = zoned(instant, timeZone);
  return pattern.replace(/%[\s\S]/g, (directive) => directives[directive as FormatDirective](at));
}

/** `instant` on the clock of `timeZone` (IANA name or `+hh:mm`). */
export function zoned(instant: Date, timeZone: string): Zoned {
  const zone = /^\d\d:\d\d$/.test(timeZone) ? `+${timeZone}` : timeZone;
  return Temporal.Instant.fromEpochMilliseconds(instant.getTime()).toZonedDateTimeISO(zone);
}

function zoneName(at: Zoned): string {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: at.timeZoneId, timeZoneName: 'short' });
  const parts = format.formatToParts(at.epochMilliseconds);
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? at.offset;
}
