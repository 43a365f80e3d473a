import { isDeepStrictEqual } from 'node:util';
import type { CalendarSpec, CompiledPipeline } from '../../schemas/generated/types.ts';
import type { CatalogRow } from '../store/catalog.ts';
import { initialCursor } from '../windows/due.ts';

/** What a sync changes about one pipeline. `version` also covers a pipeline that is new or has come back. */
export type Change =
  | {
      readonly kind: 'version';
      readonly name: string;
      readonly compiled: CompiledPipeline;
      readonly newCalendar: { readonly number: number; readonly spec: CalendarSpec; readonly beginsAt: Date } | null;
      /** The calendar to keep, when there is no new one. */
      readonly calendarId: number | null;
      /** Where the cursor goes; null leaves it where it is. */
      readonly cursorAt: Date | null;
    }
  | {
      readonly kind: 'readiness';
      readonly name: string;
      readonly id: number;
      readonly ready: boolean;
      readonly file: string;
    }
  | { readonly kind: 'retired'; readonly name: string; readonly id: number };

export type Comparison = {
  readonly rows: readonly CatalogRow[];
  readonly pipelines: readonly CompiledPipeline[];
  readonly broken: readonly string[];
  /** Some file could not be read at all, so a name that is missing may only be hidden. */
  readonly unreadable: boolean;
  readonly now: Date;
};

/** Compares what was compiled with the catalog. Pure. */
export function compareCatalog({ rows, pipelines, broken, unreadable, now }: Comparison): Change[] {
  const known = new Map(rows.map((row) => [row.name, row]));
  const good = new Set(pipelines.map((pipeline) => pipeline.name));
  const isBroken = new Set(broken);
  const changes: Change[] = [];
  for (const compiled of pipelines) {
    const row = known.get(compiled.name);
    if (!row || row.retired || row.digest !== compiled.digest) changes.push(versionChange(compiled, row, now));
    else if (!row.ready || row.file !== compiled.file) changes.push(readiness(row, true, compiled.file));
  }
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

function versionChange(compiled: CompiledPipeline, row: CatalogRow | undefined, now: Date): Change {
  const base = { kind: 'version' as const, name: compiled.name, compiled };
  const { schedule } = compiled;
  if (!schedule) return { ...base, newCalendar: null, calendarId: null, cursorAt: null };
  const first = initialCursor({ schedule, firstSyncAt: now });
  // The cursor never moves back: a `startAt` before it adds no windows (a backfill does), one behind it skips ahead.
  const cursor = row?.cursorAt ? later(row.cursorAt, schedule.startAt ? first : row.cursorAt) : first;
  const same = row?.calendarId != null && isDeepStrictEqual(row.calendar, schedule.calendar);
  if (same) return { ...base, newCalendar: null, calendarId: row.calendarId, cursorAt: cursor };
  const newCalendar = { number: (row?.calendarNumber ?? 0) + 1, spec: schedule.calendar, beginsAt: cursor };
  return { ...base, newCalendar, calendarId: null, cursorAt: cursor };
}

function later(a: Date, b: Date): Date {
  return a.getTime() >= b.getTime() ? a : b;
}
