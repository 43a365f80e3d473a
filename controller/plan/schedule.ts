import type { CompiledPipeline, CompiledSchedule } from '../../schemas/generated/types.ts';
import { createCalendar } from '../windows/calendar.ts';
import { endOf, initialCursor, planDue, withTimes } from '../windows/due.ts';
import type { PlannedWindow, ScheduleChange } from './plan.ts';

const shown = 10;
/** Whoever sees more than this needs no exact number. */
const mostCounted = 100_000;
const dayMs = 86_400_000;
const days = 28;

type Side = Pick<CompiledPipeline, 'schedule' | 'suspend'> | undefined;

/** Null where both sides cut and run the same windows. */
export function scheduleChange(before: Side, after: Side, now: Date): ScheduleChange | null {
  const planOf = (side: Side) => JSON.stringify([side?.schedule ?? null, side?.suspend ?? false]);
  if (planOf(before) === planOf(after)) return null;
  const [one, other] = [nextWindows(before, now), nextWindows(after, now)];
  const reach = Math.min(reachOf(one), reachOf(other));
  const near = (windows: readonly PlannedWindow[]) => windows.filter(({ end }) => end.getTime() <= reach);
  const keyOf = ({ start, end }: PlannedWindow) => `${start.getTime()} ${end.getTime()}`;
  const missingIn = (windows: readonly PlannedWindow[], others: readonly PlannedWindow[]) => {
    const there = new Set(others.map(keyOf));
    return near(windows).filter((window) => !there.has(keyOf(window)));
  };
  return {
    timeZone: (after?.schedule ?? before?.schedule)?.calendar.timeZone ?? 'UTC',
    before: one,
    after: other,
    appear: missingIn(other, one),
    vanish: missingIn(one, other),
    dueAtOnce: before ? 0 : dueAtOnce(after, now),
    runsPerDay: { before: runsPerDay(before, now), after: runsPerDay(after, now) },
  };
}

/** As `schedule` will plan it when it sees the pipeline for the first time. */
function dueAtOnce(side: Side, now: Date): number {
  if (!side?.schedule || side.suspend) return 0;
  const { schedule } = side;
  const cursor = initialCursor({ schedule, firstSyncAt: now });
  return planDue({ schedule, cursor, now, limit: mostCounted }).windows.length;
}

/** How far a side's windows can be compared: a list that is not full goes on for ever without more. */
function reachOf(windows: readonly PlannedWindow[]): number {
  return windows.length < shown ? Number.POSITIVE_INFINITY : (windows.at(-1)?.end.getTime() ?? 0);
}

/** The next ten that become due. */
export function nextWindows(side: Side, now: Date): PlannedWindow[] {
  if (!side?.schedule || side.suspend) return [];
  const { schedule } = side;
  const calendar = createCalendar(schedule.calendar);
  const found: PlannedWindow[] = [];
  for (let at = firstStart(schedule, now); found.length < shown; ) {
    const window = withTimes(calendar.windowFrom(at), schedule);
    if (window.end.getTime() > endOf(schedule)) break;
    if (window.dueAt > now) found.push(window);
    at = window.end;
  }
  return found;
}

/** How many windows have closed since `startAt`; null where no one says when the first one began. */
export function closedWindows({ schedule }: Pick<CompiledPipeline, 'schedule'>, now: Date): number | null {
  if (schedule?.startAt == null) return null;
  const calendar = createCalendar(schedule.calendar);
  const from = calendar.boundaryAtOrAfter(new Date(schedule.startAt));
  const to = calendar.boundaryAtOrBefore(new Date(Math.min(now.getTime(), endOf(schedule))));
  return to <= from ? 0 : calendar.countWindows(from, to);
}

/** The start of the window that is due next, or shortly before it. */
function firstStart(schedule: CompiledSchedule, now: Date): Date {
  const calendar = createCalendar(schedule.calendar);
  const open = calendar.boundaryAtOrBefore(new Date(now.getTime() - schedule.delayMs));
  if (schedule.startAt === null) return open;
  const first = calendar.boundaryAtOrAfter(new Date(schedule.startAt));
  return first > open ? first : open;
}

function runsPerDay(side: Side, now: Date): number {
  if (!side?.schedule || side.suspend) return 0;
  const { schedule } = side;
  const calendar = createCalendar(schedule.calendar);
  const from = firstStart(schedule, now);
  const until = Math.min(now.getTime() + days * dayMs - schedule.delayMs, endOf(schedule));
  const to = calendar.boundaryAtOrBefore(new Date(until));
  return to <= from ? 0 : calendar.countWindows(from, to) / days;
}
