import type { CalendarSpec, Schedule } from '../../schemas/generated/types.ts';
import { checkCron, isDate, plainCron } from '../windows/spec.ts';
import type { Report } from './context.ts';

const path = ['spec', 'schedule'];

type CronCalendar = Pick<CalendarSpec, 'cron' | 'blackoutDates' | 'gap' | 'overlap'>;

/**
 * Checks what belongs to `cron` and gives it in its one form: what is the default left out, so that writing it out makes no
 * other calendar. Null without `cron`; undefined when it has problems.
 */
export function compileCron(schedule: Schedule, report: Report): CronCalendar | null | undefined {
  const { cron, blackoutDates = [], dst = {} } = schedule;
  if (cron === undefined) return refuseStray(schedule, report);
  let good = true;
  const texts = typeof cron === 'string' ? [cron] : cron;
  texts.forEach((text, index) => {
    const fault = checkCron(text);
    if (fault === null) return;
    good = false;
    report([...path, 'cron', ...(typeof cron === 'string' ? [] : [index])], 'bad-cron', fault);
  });
  blackoutDates.forEach((date, index) => {
    if (isDate(date)) return;
    good = false;
    report([...path, 'blackoutDates', index], 'bad-time', `is "${date}", which is no date; write it as 2026-12-25`);
  });
  if (!good) return undefined;
  return {
    cron: [...new Set(texts.map(plainCron))].sort(),
    ...(blackoutDates.length > 0 && { blackoutDates: [...new Set(blackoutDates)].sort() }),
    ...(dst.gap === 'skip' && { gap: dst.gap }),
    ...(dst.overlap !== undefined && dst.overlap !== 'first' && { overlap: dst.overlap }),
  };
}

function refuseStray(schedule: Schedule, report: Report): null | undefined {
  const stray = (['blackoutDates', 'dst'] as const).filter((field) => schedule[field] !== undefined);
  for (const field of stray) {
    report([...path, field], 'bad-cron', 'belongs to `cron`, and this schedule has none; remove it', { on: 'key' });
  }
  return stray.length > 0 ? undefined : null;
}
