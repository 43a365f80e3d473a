import { Temporal } from 'temporal-polyfill';
import type { CalendarSpec, CompiledSchedule, Schedule } from '../../schemas/generated/types.ts';
import { didYouMean } from '../expressions/suggest.ts';
import { checkCron, isTimeZone, parseEvery, parseInstant } from '../windows/spec.ts';
import { checkOneForm } from './check-body.ts';
import type { Context, Report } from './context.ts';
import { parseDuration } from './duration.ts';

const path = ['spec', 'schedule'];

/** Checks a schedule and compiles it. Undefined when it has problems. */
export function compileSchedule(context: Context, schedule: Schedule, report: Report): CompiledSchedule | undefined {
  checkOneForm(report, path, schedule, ['every', 'cron']);
  const every = schedule.every === undefined ? undefined : (parseEvery(schedule.every) ?? undefined);
  if (schedule.every !== undefined && !every) {
    const message = `is "${schedule.every}", which is not the length of a window; write a unit or a multiple, such as \`month\` or \`15 minutes\``;
    report([...path, 'every'], 'bad-every', message);
  }
  const cronFault = schedule.cron === undefined ? null : checkCron(schedule.cron);
  if (cronFault !== null) report([...path, 'cron'], 'bad-cron', cronFault);
  const timeZone = schedule.timeZone ?? 'UTC';
  const zoneIsKnown = context.once(`zone ${timeZone}`, () => isTimeZone(timeZone));
  if (!zoneIsKnown) {
    const meant =
      didYouMean(timeZone, Intl.supportedValuesOf('timeZone')) || '; write an IANA name, such as Europe/Berlin';
    report([...path, 'timeZone'], 'unknown-time-zone', `is "${timeZone}", which is no time zone${meant}`);
  }
  const times = zoneIsKnown ? readTimes(schedule, timeZone, report) : undefined;
  const one = (every === undefined) !== (schedule.cron === undefined || cronFault !== null);
  if (!times || !one) return undefined;
  return {
    calendar: calendarOf(schedule, timeZone, times.startAt, every),
    startAt: text(times.startAt),
    endAt: text(times.endAt),
    delayMs: parseDuration(schedule.delay ?? '0s') ?? 0,
    deadlineMs: schedule.deadline === undefined ? null : (parseDuration(schedule.deadline) ?? null),
    catchUp: schedule.catchUp ?? 'latest',
  };
}

type Times = { startAt: Date | undefined; endAt: Date | undefined };

function readTimes(schedule: Schedule, timeZone: string, report: Report): Times | undefined {
  let good = true;
  const read = (field: 'startAt' | 'endAt'): Date | undefined => {
    const value = schedule[field];
    const instant = value === undefined ? undefined : parseInstant(value, timeZone);
    if (instant !== null) return instant;
    good = false;
    const message = `is "${value}", which is no date or time; write 2019-01-31, 2019-01-31T06:00 or 2019-01-31T06:00:00Z`;
    report([...path, field], 'bad-time', message);
    return undefined;
  };
  const times = { startAt: read('startAt'), endAt: read('endAt') };
  if (times.startAt && times.endAt && times.endAt <= times.startAt) {
    good = false;
    report(
      [...path, 'endAt'],
      'bad-time',
      `is ${schedule.endAt}, not after startAt (${schedule.startAt}), so there is no window; move one of them`,
    );
  }
  return good ? times : undefined;
}

/** Multiples are counted from `startAt`, as the person who wrote `2 weeks` expects; single units and cron need no anchor. */
function calendarOf(
  schedule: Schedule,
  timeZone: string,
  startAt: Date | undefined,
  every: CalendarSpec['every'] | undefined,
): CalendarSpec {
  if (!every) return { cron: (schedule.cron ?? '').trim().replace(/\s+/g, ' '), timeZone };
  if (every.count === 1 || !startAt) return { every, timeZone };
  const local = Temporal.Instant.fromEpochMilliseconds(startAt.getTime())
    .toZonedDateTimeISO(timeZone)
    .toPlainDateTime();
  return { every, timeZone, anchor: local.toString({ smallestUnit: 'second' }) };
}

function text(date: Date | undefined): string | null {
  return date ? date.toISOString().replace('.000Z', 'Z') : null;
}
