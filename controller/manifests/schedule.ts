import { Temporal } from 'temporal-polyfill';
import type { CalendarSpec, CompiledSchedule, Schedule } from '../../schemas/generated/types.ts';
import { didYouMean } from '../expressions/suggest.ts';
import { isTimeZone, parseEvery, parseInstant } from '../windows/spec.ts';
import { compileCatchUp } from './catch-up.ts';
import { checkOneForm } from './check-body.ts';
import type { Context, Report } from './context.ts';
import { compileCron } from './cron-schedule.ts';
import { digestOf } from './digest.ts';
import { parseDuration } from './duration.ts';

const path = ['spec', 'schedule'];

/** Checks a pipeline's schedule and compiles it. Undefined when it has problems. */
export function compileSchedule(options: {
  context: Context;
  pipeline: string;
  schedule: Schedule;
  report: Report;
}): CompiledSchedule | undefined {
  const { context, pipeline, schedule, report } = options;
  checkOneForm(report, path, schedule, ['every', 'cron']);
  const every = schedule.every === undefined ? undefined : (parseEvery(schedule.every) ?? undefined);
  if (schedule.every !== undefined && !every) {
    const message = `is "${schedule.every}", which is not the length of a window; write a unit or a multiple, such as \`month\` or \`15 minutes\``;
    report([...path, 'every'], 'bad-every', message);
  }
  const cron = compileCron(schedule, report);
  const timeZone = schedule.timeZone ?? 'UTC';
  const zoneIsKnown = context.once(`zone ${timeZone}`, () => isTimeZone(timeZone));
  if (!zoneIsKnown) {
    const meant =
      didYouMean(timeZone, Intl.supportedValuesOf('timeZone')) || '; write an IANA name, such as Europe/Berlin';
    report([...path, 'timeZone'], 'unknown-time-zone', `is "${timeZone}", which is no time zone${meant}`);
  }
  const times = zoneIsKnown ? readTimes(schedule, timeZone, report) : undefined;
  const one = (every === undefined) !== (cron === null);
  if (!times || !one || cron === undefined) return undefined;
  return {
    calendar: cron ? { ...cron, timeZone } : calendarOf(timeZone, times.startAt, every),
    startAt: text(times.startAt),
    endAt: text(times.endAt),
    delayMs: (parseDuration(schedule.delay ?? '0s') ?? 0) + jitterOf(pipeline, schedule),
    deadlineMs: schedule.deadline === undefined ? null : (parseDuration(schedule.deadline) ?? null),
    ...compileCatchUp(schedule, report),
  };
}

/** The same for a pipeline at all times, and spread evenly over pipelines: whole seconds. */
function jitterOf(pipeline: string, { jitter = '0s' }: Schedule): number {
  const seconds = Math.floor((parseDuration(jitter) ?? 0) / 1000);
  return seconds === 0 ? 0 : (Number.parseInt(digestOf(pipeline).slice(0, 12), 16) % seconds) * 1000;
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

/** Multiples are counted from `startAt`, as the person who wrote `2 weeks` expects; single units need no anchor. */
function calendarOf(
  timeZone: string,
  startAt: Date | undefined,
  every: CalendarSpec['every'] | undefined,
): CalendarSpec {
  if (!every || every.count === 1 || !startAt) return { ...(every && { every }), timeZone };
  const local = Temporal.Instant.fromEpochMilliseconds(startAt.getTime())
    .toZonedDateTimeISO(timeZone)
    .toPlainDateTime();
  return { every, timeZone, anchor: local.toString({ smallestUnit: 'second' }) };
}

function text(date: Date | undefined): string | null {
  return date ? date.toISOString().replace('.000Z', 'Z') : null;
}
