import type pg from 'pg';
import type { CompiledSchedule, Reason } from '../../schemas/generated/types.ts';

export type DuePipeline = {
  readonly id: number;
  readonly name: string;
  readonly calendarId: number;
  readonly versionId: number;
  readonly schedule: CompiledSchedule;
  readonly cursorAt: Date;
  /** When a sync first brought it. */
  readonly createdAt: Date;
  readonly now: Date;
  /** Windows at or after the cursor that an earlier calendar has cut, oldest first. */
  readonly taken: readonly { readonly start: Date; readonly end: Date }[];
};

export type NewWindow = {
  readonly pipelineId: number;
  readonly calendarId: number;
  readonly start: Date;
  readonly end: Date;
  readonly label: string;
  readonly dueAt: Date;
  readonly deadlineAt: Date | null;
};

/** The pipelines whose next window is due, locked; and Postgres's now. */
export async function takeDuePipelines(db: pg.ClientBase, limit: number): Promise<DuePipeline[]> {
  const { rows } = await db.query(
    `select p.id, p.name, p.calendar_id as "calendarId", p.version_id as "versionId", v.schedule,
            p.cursor_at as "cursorAt", p.created_at as "createdAt", now() as now,
            (select coalesce(json_agg(json_build_object('start', t.start_at, 'end', t.end_at) order by t.start_at), '[]') from (
               select w.start_at, w.end_at from windows w
               where w.pipeline_id = p.id and w.start_at >= p.cursor_at and w.calendar_id <> p.calendar_id
                 -- Where no calendar has taken over, none of these is looked at.
                 and (select c.number from calendars c where c.id = p.calendar_id) > 1
               union select b.start_at, b.end_at from backfills f join backfill_windows b on b.backfill_id = f.id
               where f.pipeline_id = p.id and f.phase = 'Running' and b.phase is null and b.run_id is null
                 and b.start_at >= p.cursor_at and b.calendar_id <> p.calendar_id
             ) t) as taken
     from pipelines p join versions v on v.id = p.version_id
     where p.next_due_at <= now() and p.retired_at is null and not p.suspended
       and (p.schedule_failed_at is null or p.schedule_failed_at < now() - interval '10 minutes')
     order by p.next_due_at limit $1 for update of p skip locked`,
    [limit],
  );
  return rows.map((row) => ({ ...row, taken: row.taken.map(toStretch) }));
}

function toStretch({ start, end }: { start: string; end: string }) {
  return { start: new Date(start), end: new Date(end) };
}

/**
 * When the next pipeline is due, a missed window may get its turn, or a deadline passes: ms from now, 0 when a pipeline is due
 * already, null when nothing ever will be.
 */
export async function msUntilDue(pool: pg.Pool): Promise<number | null> {
  const { rows } = await pool.query(
    `select ceil(extract(epoch from least(
       (select min(next_due_at) from pipelines
        where next_due_at is not null and retired_at is null and not suspended and schedule_failed_at is null),
       (select min(paced_until) from pipelines where paced_until > now() and retired_at is null and not suspended),
       (select min(deadline_at) from windows
        where late_at is null and deadline_at > now() and phase not in ('Succeeded', 'Skipped'))
     ) - now()) * 1000)::float8 as ms`,
  );
  return rows[0].ms === null ? null : Math.max(0, rows[0].ms);
}

/**
 * Cuts windows and queues the first runs of those that have no `reason` to wait. A window that a request made earlier is left
 * alone: its run, or its mark, exists. Returns how many runs were queued.
 */
export async function cutWindows(
  db: pg.ClientBase,
  windows: readonly (NewWindow & { versionId: number; runName: string; reason: 'AwaitsTurn' | null })[],
): Promise<number> {
  if (windows.length === 0) return 0;
  const { rowCount } = await db.query(
    `with due as materialized (
       select d.*, case when d.reason is null then new_run_id() end as run_id
       from jsonb_to_recordset($1) as d("pipelineId" int, "calendarId" bigint, "versionId" bigint, start timestamptz, "end" timestamptz,
         label text, "dueAt" timestamptz, "deadlineAt" timestamptz, "runName" text, reason text)
     ), cut as (
       insert into windows (pipeline_id, calendar_id, start_at, end_at, label, due_at, deadline_at, phase, reason, last_run_no, last_run_id, live_run_id)
       select "pipelineId", "calendarId", start, "end", label, "dueAt", "deadlineAt", case when run_id is null then 'Missing' else 'Queued' end,
         reason, (run_id is not null)::int, run_id, run_id from due
       on conflict (pipeline_id, calendar_id, start_at) do nothing
       returning last_run_id
     )
     insert into runs (id, name, pipeline_id, version_id, calendar_id, window_start, window_end, window_label, run_no, trigger)
     select run_id, "runName", "pipelineId", "versionId", "calendarId", start, "end", label, 1, 'schedule'
     from due join cut on cut.last_run_id = due.run_id`,
    [JSON.stringify(windows)],
  );
  return rowCount ?? 0;
}

export async function recordSkipped(
  db: pg.ClientBase,
  ranges: readonly {
    pipelineId: number;
    calendarId: number;
    start: Date;
    end: Date;
    windows: number;
    reason: Reason;
  }[],
): Promise<void> {
  if (ranges.length === 0) return;
  await db.query(
    `insert into skipped_ranges (pipeline_id, calendar_id, start_at, end_at, windows, reason)
     select "pipelineId", "calendarId", start, "end", windows, reason
     from jsonb_to_recordset($1) as s("pipelineId" int, "calendarId" bigint, start timestamptz, "end" timestamptz, windows int, reason text)`,
    [JSON.stringify(ranges)],
  );
}

export async function moveCursors(
  db: pg.ClientBase,
  moves: readonly { id: number; cursorAt: Date; nextDueAt: Date | null; awaits: boolean }[],
): Promise<void> {
  if (moves.length === 0) return;
  await db.query(
    `update pipelines p set cursor_at = m."cursorAt", next_due_at = m."nextDueAt", schedule_failed_at = null, schedule_failure = null,
       paced_until = case when m.awaits then coalesce(p.paced_until, now()) else p.paced_until end
     from jsonb_to_recordset($1) as m(id int, "cursorAt" timestamptz, "nextDueAt" timestamptz, awaits boolean) where p.id = m.id`,
    [JSON.stringify(moves)],
  );
}

/** Pipelines whose windows cannot be computed: they are left alone for ten minutes. The first time it is told in the audit. */
export async function failSchedules(
  db: pg.ClientBase,
  failures: readonly { id: number; message: string }[],
): Promise<void> {
  if (failures.length === 0) return;
  await db.query(
    `with failed as (
       select p.id, p.name, p.schedule_failed_at is null as first, f.message
       from jsonb_to_recordset($1) as f(id int, message text) join pipelines p on p.id = f.id
     ), told as (
       insert into audit (actor, verb, subject_kind, subject, reason, details)
       select 'schedule', 'scheduleFailed', 'pipeline', name, 'ScheduleFailed', jsonb_build_object('message', message) from failed where first
     )
     update pipelines p set schedule_failed_at = now(), schedule_failure = f.message from failed f where p.id = f.id`,
    [JSON.stringify(failures)],
  );
}

export type PipelineForRequest = {
  readonly id: number;
  readonly name: string;
  readonly versionId: number;
  readonly schedule: CompiledSchedule | null;
  readonly calendarId: number | null;
  /** Where its calendar took over from an earlier one; null for the first, which reaches back before `startAt` too. */
  readonly tookOverAt: Date | null;
  readonly details: { variables: Record<string, { type: string; default?: unknown }> };
  readonly retired: boolean;
  readonly now: Date;
};

export async function lockPipeline(db: pg.ClientBase, name: string): Promise<PipelineForRequest | null> {
  const { rows } = await db.query(
    `select p.id, p.name, p.version_id as "versionId", v.schedule, p.calendar_id as "calendarId", v.details,
            (select begins_at from calendars c where c.id = p.calendar_id and c.number > 1) as "tookOverAt",
            p.retired_at is not null as retired, now() as now
     from pipelines p join versions v on v.id = p.version_id where p.name = $1 for update of p`,
    [name],
  );
  return rows[0] ?? null;
}

/** Pipeline names that resemble a name nobody has, for "did you mean". */
export async function pipelineNames(db: pg.ClientBase): Promise<string[]> {
  const { rows } = await db.query('select name from pipelines where retired_at is null order by name limit 1000');
  return rows.map((row) => row.name);
}

export type WindowHead = { readonly calendarId: number; readonly liveRun: string | null; readonly lastRunNo: number };

/**
 * The window of a pipeline that begins at an instant, whatever its calendar, locked and with its live run's name; made
 * (as `Missing`) when there is none. `under`: the label of a window of an earlier calendar that it would lie over; then none is made.
 */
export async function lockWindow(
  db: pg.ClientBase,
  window: NewWindow,
): Promise<(WindowHead & { start: Date; end: Date; label: string }) | { under: string }> {
  const select = () =>
    db.query(
      `select w.calendar_id as "calendarId", w.start_at as start, w.end_at as "end", w.label, w.last_run_no as "lastRunNo",
              (select name from runs where id = w.live_run_id) as "liveRun"
       from windows w where w.pipeline_id = $1 and w.start_at = $2 order by w.calendar_id desc limit 1 for update of w`,
      [window.pipelineId, window.start],
    );
  const { rows } = await select();
  if (rows.length > 0) return rows[0];
  // Windows of a pipeline do not overlap, so the last one that begins before the end is the only one that could.
  const last = await db.query(
    `select label, end_at as "end" from windows where pipeline_id = $1 and start_at < $2 order by start_at desc limit 1`,
    [window.pipelineId, window.end],
  );
  if (last.rows[0]?.end > window.start) return { under: last.rows[0].label };
  await db.query(
    // What was due before a sync first brought the pipeline cannot be late.
    `insert into windows (pipeline_id, calendar_id, start_at, end_at, label, due_at, deadline_at, phase)
     select $1, $2, $3, $4, $5, $6, case when created_at <= $6 then $7::timestamptz end, 'Missing' from pipelines where id = $1
     on conflict do nothing`,
    [window.pipelineId, window.calendarId, window.start, window.end, window.label, window.dueAt, window.deadlineAt],
  );
  return (await select()).rows[0];
}
