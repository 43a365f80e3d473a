import type { CompiledSchedule } from '../../schemas/generated/types.ts';
import { type Calendar, createCalendar, type Window } from './calendar.ts';

/** With `catchUp: none` a window runs only when it is found at most this long after it became due. */
const foundInTimeMs = 10 * 60_000;

/** A window of a schedule: when it becomes due, and when it is late (null: never). */
export type DueWindow = Window & { readonly dueAt: Date; readonly deadlineAt: Date | null };

/** A stretch of windows that catch-up passes over; `[start, end)` holds that many `windows`. */
export type SkippedStretch = {
  readonly start: Date;
  readonly end: Date;
  readonly windows: number;
  readonly reason: 'CatchUpLatest' | 'CatchUpNone' | 'CatchUpLimit';
};

export type DuePlan = {
  /** To be queued, oldest first. */
  readonly windows: DueWindow[];
  readonly skipped: SkippedStretch[];
  /** The start of the next window to cut. */
  readonly cursor: Date;
  /** When that window is due, perhaps in the past when `limit` was reached; null when none follows (`endAt`). */
  readonly nextDueAt: Date | null;
};

/**
 * Where a new pipeline's first window begins: the first boundary at or after `startAt`, or after the first sync. Without
 * `startAt`, `catchUp: latest` begins one window earlier, with the last one that is closed at the first sync, so that a
 * daily pipeline shows a run at once and not tomorrow. Source: docs/designs/first-window.md.
 */
export function initialCursor(input: { schedule: CompiledSchedule; firstSyncAt: Date }): Date {
  const { schedule, firstSyncAt } = input;
  const calendar = createCalendar(schedule.calendar);
  if (schedule.startAt !== null) return calendar.boundaryAtOrAfter(new Date(schedule.startAt));
  if (schedule.catchUp === 'latest') return calendar.windowBefore(calendar.boundaryAtOrBefore(firstSyncAt)).start;
  return calendar.boundaryAtOrAfter(firstSyncAt);
}

/**
 * What became due since `cursor`, at most `limit` windows; pure, so that the same rows give the same plan after a crash.
 * `cursor` is where the last window ended. It need not be a boundary of this calendar: where a changed schedule took over,
 * the first window is `[cursor, next boundary)`, and nothing is lost or cut twice. `taken`, in their order: windows at or after the
 * cursor that an earlier calendar has cut, because somebody asked for them. They stay as they are, and those of this calendar go round
 * them.
 */
export function planDue(input: {
  schedule: CompiledSchedule;
  cursor: Date;
  now: Date;
  limit: number;
  taken?: readonly Stretch[];
}): DuePlan {
  const { schedule, limit, taken = [] } = input;
  const calendar = createCalendar(schedule.calendar);
  const skipped = skipMissed(calendar, input);
  let at = behind(skipped?.end ?? input.cursor, taken);
  const lastEnd = Math.min(input.now.getTime() - schedule.delayMs, endOf(schedule));
  const windows: DueWindow[] = [];
  while (windows.length < limit) {
    const window = windowBetween(calendar, at, taken);
    if (window.end.getTime() > lastEnd) break;
    windows.push(withTimes(window, schedule));
    at = behind(window.end, taken);
  }
  const nextEnd = windowBetween(calendar, at, taken).end.getTime();
  return {
    windows,
    skipped: skipped ? [skipped] : [],
    cursor: at,
    nextDueAt: nextEnd > endOf(schedule) ? null : new Date(nextEnd + schedule.delayMs),
  };
}

type Stretch = { readonly start: Date; readonly end: Date };

/** Where what is taken at `at` has ended. */
function behind(at: Date, taken: readonly Stretch[]): Date {
  return taken.reduce((free, { start, end }) => (start <= free && end > free ? end : free), at);
}

/** The window from `at` on, which ends where something taken begins. */
function windowBetween(calendar: Calendar, at: Date, taken: readonly Stretch[]): Window {
  const window = calendar.windowFrom(at);
  const next = taken.find(({ start }) => start > at);
  return next && next.start < window.end ? { ...window, end: next.start } : window;
}

function skipMissed(
  calendar: Calendar,
  input: { schedule: CompiledSchedule; cursor: Date; now: Date },
): SkippedStretch | null {
  const { schedule, cursor } = input;
  const lastEnd = Math.min(input.now.getTime() - schedule.delayMs, endOf(schedule));
  const end = startOfWanted(calendar, input, lastEnd);
  if (end === null || end <= cursor) return null;
  const reason = reasons[schedule.catchUp];
  return { start: cursor, end, windows: calendar.countWindows(cursor, end), reason };
}

const reasons = { latest: 'CatchUpLatest', none: 'CatchUpNone', all: 'CatchUpLimit' } as const;

/** Where the first window begins that catch-up does not pass over; null when it takes all. */
function startOfWanted(
  calendar: Calendar,
  input: { schedule: CompiledSchedule; cursor: Date; now: Date },
  lastEnd: number,
): Date | null {
  const { catchUp, catchUpLimits } = input.schedule;
  if (catchUp === 'none') return startOfRecent(calendar, input, lastEnd);
  const wanted = catchUp === 'latest' ? 1 : catchUpLimits?.maxWindows;
  if (wanted === undefined) return null;
  let start = calendar.boundaryAtOrBefore(new Date(lastEnd));
  for (let windows = 0; windows < wanted && start > input.cursor; windows++) start = calendar.windowBefore(start).start;
  return start;
}

/** The start of the oldest window that became due within the last ten minutes, or of the one that is due next. */
function startOfRecent(calendar: Calendar, input: { schedule: CompiledSchedule; now: Date }, lastEnd: number): Date {
  const recent = new Date(input.now.getTime() - foundInTimeMs - input.schedule.delayMs);
  const start = calendar.windowBefore(calendar.boundaryAtOrAfter(recent)).start;
  const lastBoundary = calendar.boundaryAtOrBefore(new Date(lastEnd));
  return new Date(Math.min(start.getTime(), lastBoundary.getTime()));
}

/** Adds when the window is due and, with a `deadline`, when it is late. */
export function withTimes(window: Window, { delayMs, deadlineMs }: CompiledSchedule): DueWindow {
  const dueAt = window.end.getTime() + delayMs;
  return { ...window, dueAt: new Date(dueAt), deadlineAt: deadlineMs === null ? null : new Date(dueAt + deadlineMs) };
}

/** `endAt` in milliseconds; infinite without one. */
export function endOf(schedule: CompiledSchedule): number {
  return schedule.endAt === null ? Number.POSITIVE_INFINITY : Date.parse(schedule.endAt);
}

/**
 * The newest window that is closed at `now`: what `run` without a window means. Null when the first one has not closed yet.
 * `beginsAt` as for a calendar.
 */
export function latestClosedWindow(
  schedule: CompiledSchedule,
  now: Date,
  options: { beginsAt?: Date } = {},
): DueWindow | null {
  const calendar = createCalendar(schedule.calendar, options);
  const last = new Date(Math.min(now.getTime(), endOf(schedule)));
  const window = calendar.windowBefore(calendar.boundaryAtOrBefore(last));
  const startAt = schedule.startAt === null ? window.start : new Date(schedule.startAt);
  const begin = options.beginsAt ?? window.start;
  return window.start < startAt || window.start < begin ? null : withTimes(window, schedule);
}
