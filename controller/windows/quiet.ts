import type { CompiledSchedule } from '../../schemas/generated/types.ts';
import { createCalendar } from './calendar.ts';
import { endOf } from './due.ts';

/** Without a deadline it is quiet when so many windows are due and none of them has ended well. */
const quietWindows = 3;

/**
 * Since when a pipeline is without a success that its schedule lets expect; null while it is not quiet. What is expected next is the
 * window behind the newest one that has ended well; it is wanted from its due time on, or since that end, or since the pipeline is
 * there, whichever is latest. Quiet is who lets it wait longer than `deadline`, or until three windows are due.
 */
export function quietSince(input: {
  readonly schedule: CompiledSchedule;
  /** Where the window begins that is expected next. */
  readonly start: Date;
  /** When its last success ended; before the first one, when a sync first brought the pipeline. */
  readonly calmAt: Date;
  readonly now: Date;
}): Date | null {
  const { schedule, start, calmAt, now } = input;
  const calendar = createCalendar(schedule.calendar);
  const wanted = calendar.windowFrom(start).end;
  if (wanted.getTime() > endOf(schedule)) return null;
  const since = Math.max(wanted.getTime() + schedule.delayMs, calmAt.getTime());
  // Spares the steps below where all is well.
  if (since >= now.getTime()) return null;
  let last = wanted;
  for (let windows = 1; windows < quietWindows; windows++) last = calendar.next(last);
  const patience = Math.min(schedule.deadlineMs ?? Number.POSITIVE_INFINITY, last.getTime() - wanted.getTime());
  return now.getTime() < since + patience ? null : new Date(since);
}
