import type pg from 'pg';
import type { CalendarSpec, CompiledSchedule, Reason, WindowRow } from '../../schemas/generated/types.ts';
import { markColumn, staleColumn, staleJoins } from './stale.ts';

/** The calendars of a pipeline in the order in which they took over, and the schedule of its version. */
export type PipelineCalendars = {
  readonly id: number;
  readonly timeZone: string;
  readonly schedule: CompiledSchedule;
  /** `beginsAt`: where it took over; null for the first one, which reaches back without end. */
  readonly calendars: readonly { readonly id: number; readonly spec: CalendarSpec; readonly beginsAt: Date | null }[];
};

/** Null without such a pipeline; `schedule: null` when it has none. */
export async function readCalendars(
  db: pg.Pool | pg.ClientBase,
  pipeline: string,
): Promise<PipelineCalendars | { readonly schedule: null } | null> {
  const { rows } = await db.query(
    `select p.id, v.schedule,
            (select json_agg(json_build_object('id', c.id, 'spec', c.spec, 'beginsAt', case when c.number > 1 then c.begins_at end) order by c.number)
             from calendars c where c.pipeline_id = p.id) as calendars
     from pipelines p join versions v on v.id = p.version_id where p.name = $1`,
    [pipeline],
  );
  const [row] = rows;
  if (!row) return null;
  if (row.schedule === null) return { schedule: null };
  const calendars = (row.calendars ?? []) as { id: number; spec: CalendarSpec; beginsAt: string | null }[];
  return {
    id: row.id,
    timeZone: row.schedule.calendar.timeZone,
    schedule: row.schedule,
    calendars: calendars.map(({ id, spec, beginsAt }) => ({
      id,
      spec,
      beginsAt: beginsAt === null ? null : new Date(beginsAt),
    })),
  };
}

type LedgerWindow = Pick<WindowRow, 'label' | 'phase' | 'reason' | 'runNo' | 'run' | 'stale' | 'mark'> & {
  readonly calendarId: number;
  readonly start: Date;
  readonly end: Date;
  readonly dueAt: Date;
  readonly lateAt: Date | null;
};

export type LedgerSpan = {
  readonly windows: readonly LedgerWindow[];
  readonly skipped: readonly { readonly start: Date; readonly end: Date; readonly reason: Reason }[];
};

/** What the ledger has of `[from, to)`, oldest first. Of two windows that begin together, that of the newer calendar. */
export async function readSpan(
  db: pg.Pool | pg.ClientBase,
  pipelineId: number,
  { from, to }: { from: Date; to: Date },
): Promise<LedgerSpan> {
  const windows = await db.query<LedgerWindow>(
    `select distinct on (w.start_at) w.calendar_id as "calendarId", w.start_at as start, w.end_at as "end", w.label, w.due_at as "dueAt", w.phase, w.reason,
            w.last_run_no as "runNo", (select name from runs where id = w.last_run_id) as run, w.late_at as "lateAt", ${staleColumn}, ${markColumn}
     from windows w ${staleJoins}
     where w.pipeline_id = $1 and w.start_at >= $2 and w.start_at < $3 order by w.start_at, w.calendar_id desc`,
    [pipelineId, from, to],
  );
  const skipped = await db.query(
    `select start_at as start, end_at as "end", reason from skipped_ranges
     where pipeline_id = $1 and start_at < $3 and end_at > $2 order by start_at`,
    [pipelineId, from, to],
  );
  return { windows: windows.rows, skipped: skipped.rows };
}
