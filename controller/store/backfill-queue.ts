import type pg from 'pg';
import type { Phase, Reason, Rerun, WindowRow } from '../../schemas/generated/types.ts';
import { staleColumn, staleJoins } from './stale.ts';

/** A window of a backfill whose turn has come, with its row of the ledger, which is locked. */
export type Turn = {
  readonly backfillId: number;
  readonly position: number;
  readonly rerun: Rerun;
  readonly forced: boolean;
  readonly pipelineId: number;
  readonly pipeline: string;
  readonly calendarId: number;
  readonly start: Date;
  readonly end: Date;
  readonly label: string;
  readonly phase: WindowRow['phase'];
  readonly reason: Reason | null;
  readonly stale: WindowRow['stale'];
  readonly runNo: number;
  readonly lastRunId: number | null;
  readonly isLive: boolean;
};

/**
 * The next windows of running backfills, as many as their limits have room for, at most `limit`. Room is counted from live
 * rows. The backfills and the windows are locked, and their pipelines shared, since one that retires meanwhile would not see the runs
 * that are about to be queued. A window that the ledger did not have is made.
 */
export async function takeTurns(db: pg.ClientBase, limit: number): Promise<Turn[]> {
  const { rows: next } = await db.query(
    `with room as (
       select b.id, b.pipeline_id, coalesce(b.max_active_runs, v.max_active_runs)
           - (select count(*) from backfill_windows w where w.backfill_id = b.id and w.phase is null and w.run_id is not null) as places
       from backfills b join pipelines p on p.id = b.pipeline_id join versions v on v.id = p.version_id
       where b.phase = 'Running' and not b.suspended and p.retired_at is null order by b.id
       for update of b skip locked for share of p skip locked
     )
     select room.id as "backfillId", room.pipeline_id as "pipelineId", w.position, w.calendar_id as "calendarId", w.start_at as start,
            w.end_at as "end", w.label, w.due_at as "dueAt"
     from room cross join lateral (
       select * from backfill_windows where backfill_id = room.id and phase is null and run_id is null
       order by position limit greatest(0, places)
     ) w order by room.id, w.position limit $1`,
    [limit],
  );
  if (next.length === 0) return [];
  const keys = JSON.stringify(next);
  await db.query(
    `insert into windows (pipeline_id, calendar_id, start_at, end_at, label, due_at, phase)
     select distinct "pipelineId", "calendarId", start, "end", label, "dueAt", 'Missing'
     from jsonb_to_recordset($1) as k("pipelineId" int, "calendarId" bigint, start timestamptz, "end" timestamptz, label text, "dueAt" timestamptz)
     order by 1, 2, 3 on conflict do nothing`,
    [keys],
  );
  const { rows } = await db.query(
    `select b.id as "backfillId", k.position, b.rerun, bw.forced, p.id as "pipelineId", p.name as pipeline, w.calendar_id as "calendarId",
            w.start_at as start, w.end_at as "end", w.label, w.phase, w.reason, ${staleColumn}, w.last_run_no as "runNo", w.last_run_id as "lastRunId",
            w.live_run_id is not null as "isLive"
     from jsonb_to_recordset($1) as k("backfillId" bigint, position int)
       join backfills b on b.id = k."backfillId" join pipelines p on p.id = b.pipeline_id
       join backfill_windows bw on bw.backfill_id = b.id and bw.position = k.position
       join windows w on w.pipeline_id = p.id and w.calendar_id = bw.calendar_id and w.start_at = bw.start_at ${staleJoins}
     order by w.pipeline_id, w.calendar_id, w.start_at for update of w`,
    [keys],
  );
  return rows;
}

export type BackfillRun = Pick<
  Turn,
  'backfillId' | 'position' | 'pipelineId' | 'calendarId' | 'start' | 'end' | 'label'
> & {
  readonly runName: string;
  readonly runNo: number;
};

/** Queues a run for each window; the caller holds the windows' rows and has seen no live run. */
export async function queueTurns(db: pg.ClientBase, runs: readonly BackfillRun[]): Promise<void> {
  if (runs.length === 0) return;
  const { rowCount } = await db.query(
    `with due as materialized (
       select d.*, new_run_id() as run_id from jsonb_to_recordset($1) as d("backfillId" bigint, position int, "pipelineId" int,
         "calendarId" bigint, start timestamptz, "end" timestamptz, label text, "runName" text, "runNo" int)
     ), taken as (
       update windows w set phase = 'Queued', reason = null, last_run_no = d."runNo", last_run_id = d.run_id, live_run_id = d.run_id
       from due d where w.pipeline_id = d."pipelineId" and w.calendar_id = d."calendarId" and w.start_at = d.start
         and w.live_run_id is null and w.last_run_no = d."runNo" - 1
       returning d.run_id
     ), queued as (
       insert into runs (id, name, pipeline_id, version_id, keeps_version, calendar_id, window_start, window_end, window_label, run_no, trigger,
         variables, priority, backfill_id)
       select d.run_id, d."runName", d."pipelineId", coalesce(before.version_id, p.version_id), before.version_id is not null,
         d."calendarId", d.start, d."end", d.label, d."runNo", 'backfill', b.variables, v.priority + b.priority, b.id
       from due d join taken using (run_id) join backfills b on b.id = d."backfillId" join pipelines p on p.id = b.pipeline_id
         join versions v on v.id = p.version_id
         left join lateral (
           select r.version_id from windows w join runs r on r.id = w.last_run_id
           where b.version = 'original' and w.pipeline_id = p.id and w.calendar_id = d."calendarId" and w.start_at = d.start
         ) before on true
     )
     update backfill_windows bw set run_id = d.run_id from due d join taken using (run_id)
     where bw.backfill_id = d."backfillId" and bw.position = d.position`,
    [JSON.stringify(runs)],
  );
  if (rowCount !== runs.length) throw new Error('a window of a backfill changed under its lock');
}

/** Windows that are served by what they have: their live run, or the outcome of their last one (`phase`). */
export async function shareRuns(
  db: pg.ClientBase,
  shared: readonly (Pick<Turn, 'backfillId' | 'position' | 'lastRunId'> & { readonly phase: Phase | null })[],
): Promise<void> {
  if (shared.length === 0) return;
  await db.query(
    `update backfill_windows bw set run_id = s."lastRunId", phase = s.phase
     from jsonb_to_recordset($1) as s("backfillId" bigint, position int, "lastRunId" bigint, phase text)
     where bw.backfill_id = s."backfillId" and bw.position = s.position`,
    [JSON.stringify(shared)],
  );
}

/**
 * A queued run that another backfill waits for becomes that one's while its own is suspended or has ended: it would never be admitted
 * else, and both would wait. Runs that somebody else is about to change are left to the next pass.
 */
export async function adoptRuns(db: pg.ClientBase): Promise<void> {
  await db.query(
    `with held as (
       select r.id from runs r join backfills own on own.id = r.backfill_id
       where r.backfill_id is not null and r.phase = 'Queued' and r.cancel_requested_at is null
         and (own.suspended or own.phase <> 'Running')
       for update of r skip locked
     ), heirs as (
       select distinct on (held.id) held.id, b.id as backfill_id, v.priority + b.priority as priority
       from held join backfill_windows w on w.run_id = held.id and w.phase is null join backfills b on b.id = w.backfill_id
         join pipelines p on p.id = b.pipeline_id join versions v on v.id = p.version_id
       where b.phase = 'Running' and not b.suspended order by held.id, b.id
     )
     update runs r set backfill_id = h.backfill_id, priority = h.priority from heirs h where r.id = h.id`,
  );
}

export type EndedBackfill = { readonly name: string; readonly phase: string; readonly reason: Reason | null };

/** Backfills whose windows have all ended are over, and so are those whose pipeline is gone. Returns what became of them. */
export async function settleBackfills(db: pg.ClientBase): Promise<EndedBackfill[]> {
  const { rows: gone } = await db.query<EndedBackfill>(
    `with gone as (
       update backfills b set phase = 'Cancelled', reason = $1, finished_at = now() from pipelines p
       where b.phase = 'Running' and p.id = b.pipeline_id and p.retired_at is not null returning b.id, b.name, b.phase, b.reason
     ), left_over as (
       update backfill_windows w set phase = 'Cancelled' from gone where w.backfill_id = gone.id and w.run_id is null and w.phase is null
     )
     select name, phase, reason from gone`,
    ['PipelineRetired' satisfies Reason],
  );
  const { rows: over } = await db.query<EndedBackfill>(
    `with over as (
       select b.id, w.failed, w.total from backfills b cross join lateral (
         select count(*) filter (where phase in ('Failed', 'Cancelled')) as failed, count(*) as total
         from backfill_windows where backfill_id = b.id
       ) w
       where b.phase = 'Running' and not exists (select from backfill_windows w where w.backfill_id = b.id and w.phase is null)
     )
     update backfills b set finished_at = now(), phase = case when failed > 0 then 'Failed' else 'Succeeded' end,
       reason = case when failed > 0 then $1 end,
       message = case when failed > 0 then format('%s of %s windows did not succeed; \`pipewright backfills %s --retry\` gives them another turn',
         failed, total, b.name) end
     from over where b.id = over.id and b.phase = 'Running' returning b.name, b.phase, b.reason`,
    ['WindowsFailed' satisfies Reason],
  );
  return [...gone, ...over];
}
