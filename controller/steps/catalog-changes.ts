import { isDeepStrictEqual } from 'node:util';
import type { CalendarSpec, CompiledPipeline, CompiledSchedule } from '../../schemas/generated/types.ts';
import type { CatalogRow, CursorRow } from '../store/catalog.ts';
import { initialCursor } from '../windows/due.ts';

/** What a sync changes about one pipeline. `version` also covers a pipeline that is new (its id is null) or has come back. */
export type Change =
  | {
      readonly kind: 'version';
      readonly name: string;
      readonly id: number | null;
      readonly compiled: CompiledPipeline;
    }
  | {
      readonly kind: 'readiness';
      readonly name: string;
      readonly id: number;
      readonly ready: boolean;
      readonly file: string;
    }
  | { readonly kind: 'retired'; readonly name: string; readonly id: number };

/** Where a version's schedule goes on. */
export type Continuation = {
  readonly newCalendar: { readonly number: number; readonly spec: CalendarSpec; readonly beginsAt: Date } | null;
  /** The calendar to keep, when there is no new one. */
  readonly calendarId: number | null;
  /** Where the cursor goes; null leaves it where it is. */
  readonly cursorAt: Date | null;
};

export type Comparison = {
  readonly rows: readonly CatalogRow[];
  readonly pipelines: readonly CompiledPipeline[];
  readonly broken: readonly string[];
  /** Some file could not be read at all, so a name that is missing may only be hidden. */
  readonly unreadable: boolean;
};

/** Compares what was compiled with the catalog. Pure. */
export function compareCatalog({ rows, pipelines, broken, unreadable }: Comparison): Change[] {
  const known = new Map(rows.map((row) => [row.name, row]));
  const good = new Set(pipelines.map((pipeline) => pipeline.name));
  const isBroken = new Set(broken);
  const changes = pipelines.flatMap((compiled): Change[] => {
    const row = known.get(compiled.name);
    if (!row || row.retired || row.digest !== compiled.digest)
      return [{ kind: 'version', name: compiled.name, id: row?.id ?? null, compiled }];
    return row.ready && row.file === compiled.file ? [] : [readiness(row, true, compiled.file)];
  });
  for (const row of rows) {
    if (good.has(row.name) || row.retired) continue;
    if (isBroken.has(row.name) || unreadable) {
      if (row.ready) changes.push(readiness(row, false, row.file));
    } else changes.push({ kind: 'retired', name: row.name, id: row.id });
  }
  return changes;
}

function readiness(row: CatalogRow, ready: boolean, file: string): Change {
  return { kind: 'readiness', name: row.name, id: row.id, ready, file };
}

/** What a pipeline's new schedule means for the cursor that it has. Pure. */
export function continueSchedule(schedule: CompiledSchedule | null, row: CursorRow, now: Date): Continuation {
  if (!schedule) return { newCalendar: null, calendarId: null, cursorAt: null };
  const first = initialCursor({ schedule, firstSyncAt: now });
  // The cursor never moves back: a `startAt` before it adds no windows (a backfill does), one behind it skips ahead.
  const cursor = row.cursorAt ? later(row.cursorAt, schedule.startAt ? first : row.cursorAt) : first;
  const same = row.calendarId !== null && isDeepStrictEqual(row.calendar, schedule.calendar);
  if (same) return { newCalendar: null, calendarId: row.calendarId, cursorAt: cursor };
  const newCalendar = { number: row.calendarNumber + 1, spec: schedule.calendar, beginsAt: cursor };
  return { newCalendar, calendarId: null, cursorAt: cursor };
}

function later(a: Date, b: Date): Date {
  return a.getTime() >= b.getTime() ? a : b;
}
