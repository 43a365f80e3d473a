import { Temporal } from 'temporal-polyfill';

type Zoned = Temporal.ZonedDateTime;

const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const days = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const pad = (value: number, width: number) => String(value).padStart(width, '0');
const date = (at: Zoned) => `${pad(at.year, 4)}-${pad(at.month, 2)}-${pad(at.day, 2)}`;
const clock = (at: Zoned) => `${pad(at.hour, 2)}:${pad(at.minute, 2)}:${pad(at.second, 2)}`;

/** The directives of `format`. The reference page is made of this table. */
export const directives: Readonly<Record<string, { description: string; write: (at: Zoned) => string }>> = {
  '%Y': { description: 'Year with four digits: `2019`.', write: (at) => pad(at.year, 4) },
  '%y': { description: 'Year with two digits: `19`.', write: (at) => pad(at.year % 100, 2) },
  '%m': { description: 'Month: `01` to `12`.', write: (at) => pad(at.month, 2) },
  '%d': { description: 'Day of the month: `01` to `31`.', write: (at) => pad(at.day, 2) },
  '%H': { description: 'Hour: `00` to `23`.', write: (at) => pad(at.hour, 2) },
  '%M': { description: 'Minute: `00` to `59`.', write: (at) => pad(at.minute, 2) },
  '%S': { description: 'Second: `00` to `59`.', write: (at) => pad(at.second, 2) },
  '%j': { description: 'Day of the year: `001` to `366`.', write: (at) => pad(at.dayOfYear, 3) },
  '%b': { description: 'Month, short: `Jan`.', write: (at) => (months[at.month - 1] ?? '').slice(0, 3) },
  '%B': { description: 'Month, in full: `January`.', write: (at) => months[at.month - 1] ?? '' },
  '%a': { description: 'Weekday, short: `Mon`.', write: (at) => (days[at.dayOfWeek - 1] ?? '').slice(0, 3) },
  '%A': { description: 'Weekday, in full: `Monday`.', write: (at) => days[at.dayOfWeek - 1] ?? '' },
  '%F': { description: 'Date: `2019-01-31`.', write: date },
  '%T': { description: 'Time: `06:30:00`.', write: clock },
  '%z': { description: 'Offset from UTC: `-0500`.', write: (at) => at.offset.replace(':', '') },
  '%Z': { description: 'Name of the zone’s time: `EST`; an offset where it has none.', write: zoneName },
  '%s': { description: 'Seconds since 1970-01-01 UTC.', write: (at) => String(Math.floor(at.epochMilliseconds / 1000)) },
  '%%': { description: 'A percent sign.', write: () => '%' },
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
  return pattern.replace(/%[\s\S]/g, (directive) => directives[directive]?.write(at) ?? '');
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
