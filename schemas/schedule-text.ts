import type { CalendarSpec } from './generated/types.ts';

/** `month`, `15 minutes`: as manifests write it. */
export function everyText({ count, unit }: NonNullable<CalendarSpec['every']>): string {
  return count === 1 ? unit : `${count} ${unit}s`;
}

/** `every month`, `cron 0 6 * * 1-5`: for reading. */
export function scheduleText({ every, cron = [] }: CalendarSpec): string {
  return every ? `every ${everyText(every)}` : `cron ${cron.join(', ')}`;
}
