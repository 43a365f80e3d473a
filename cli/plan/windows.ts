import type { PlannedWindow, ScheduleChange } from '../../controller/plan/plan.ts';
import { duration, localTime } from '../format/times.ts';

type Row = [before: PlannedWindow | undefined, after: PlannedWindow | undefined];

/** Windows side by side: the same ones in one row, each side in the order of time. */
export function besideEachOther({ before, after }: Pick<ScheduleChange, 'before' | 'after'>): Row[] {
  const rows: Row[] = [];
  const put = (some: readonly PlannedWindow[], others: readonly PlannedWindow[]) => {
    for (let i = 0; i < Math.max(some.length, others.length); i++) rows.push([some[i], others[i]]);
  };
  let [from, fromOther] = [0, 0];
  for (const [at, window] of before.entries()) {
    const same = after.findIndex((each) => isSame(each, window));
    if (same < 0) continue;
    put(before.slice(from, at), after.slice(fromOther, same));
    rows.push([window, after[same]]);
    [from, fromOther] = [at + 1, same + 1];
  }
  put(before.slice(from), after.slice(fromOther));
  return rows;
}

export function isSame(one: PlannedWindow, other: PlannedWindow): boolean {
  return one.start.getTime() === other.start.getTime() && one.end.getTime() === other.end.getTime();
}

export function isAmong(windows: readonly PlannedWindow[], window: PlannedWindow): boolean {
  return windows.some((each) => isSame(each, window));
}

/** `2026-03: 2026-03-01 00:00 to 2026-04-01 00:00 (30d 23h: the clocks change), due 2026-04-02 06:00` */
export function windowText({ start, end, label, dueAt }: PlannedWindow, timeZone: string): string {
  const at = (time: Date) => localTime(time.toISOString(), timeZone);
  // The label of an instant says nothing that the bounds do not say better.
  const name = /t\d{4,6}z$/.test(label) ? '' : `${label}: `;
  const length = end.getTime() - start.getTime();
  const onTheWall = wall(at(end)) - wall(at(start));
  const note = onTheWall === length ? '' : ` (${duration(length)}: the clocks change)`;
  const due = dueAt.getTime() === end.getTime() ? '' : `, due ${at(dueAt)}`;
  return `${name}${at(start)} to ${at(end)}${note}${due}`;
}

const wall = (local: string) => Date.parse(`${local.replace(' ', 'T')}Z`);

/** What the calendars themselves say cannot tell where the new one begins. */
export const takeOverText =
  'windows that have been cut keep their bounds; those to come begin where the last of them ends';
