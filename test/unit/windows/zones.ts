import { Temporal } from 'temporal-polyfill';

/** Zones whose clocks have done something unusual: half-hour changes, a lost day, changes over midnight, odd offsets. */
export const zones = [
  'UTC',
  'America/New_York',
  'America/St_Johns',
  'America/Havana',
  'America/Sao_Paulo',
  'Europe/Berlin',
  'Europe/Dublin',
  'Africa/Casablanca',
  'Antarctica/Troll',
  'Asia/Beirut',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Pacific/Kwajalein',
] as const;

/** Instants at which the zone's clocks changed from 1985 to 2027. */
export function transitionsOf(timeZone: string): Date[] {
  const found: Date[] = [];
  let at = Temporal.Instant.from('1985-01-01T00:00Z').toZonedDateTimeISO(timeZone);
  for (;;) {
    const next = at.getTimeZoneTransition('next');
    if (!next || next.year > 2027) return found;
    found.push(new Date(next.epochMilliseconds));
    at = next;
  }
}

export function local(at: Date, timeZone: string): string {
  return Temporal.Instant.fromEpochMilliseconds(at.getTime())
    .toZonedDateTimeISO(timeZone)
    .toPlainDateTime()
    .toString({ smallestUnit: 'minute' });
}
