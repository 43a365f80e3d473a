import type pg from 'pg';
import { waitsAreOver } from './waits.ts';

/** The most runs at once, of the whole controller and of each source; absent: no limit. */
export type Limits = { readonly maxActiveRuns?: number; readonly maxActiveRunsPerSource?: number };

/** Makes all who give slots of pools take turns, until the transaction ends: they count live rows to know what is free. */
export async function lockSlots(db: pg.ClientBase): Promise<void> {
  await db.query(`select pg_advisory_xact_lock(hashtext('pipewright.admit'))`);
}

/** Whether `admit` can have anything to do: a run is queued, or somebody has noted what one waits for. */
export async function isAnyQueued(db: pg.Pool): Promise<boolean> {
  const { rows } = await db.query(
    `select exists (select from runs where phase = 'Queued') or exists (select from waits) as "isAny"`,
  );
  return rows[0].isAny;
}

/** What is used, from live rows. Runs of a backfill with a limit of its own (`own`) count apart from those of their pipeline. */
const used = `running as materialized (
    select r.pipeline_id, p.source_id, r.pool_id, r.priority, f.id as own
    from runs r join pipelines p on p.id = r.pipeline_id
      left join backfills f on f.id = r.backfill_id and f.max_active_runs is not null
    where r.phase = 'Running'
  ), by_pipeline as (select pipeline_id, own, count(*) as runs from running group by 1, 2),
  by_source as (select source_id, count(*) as runs from running group by 1),
  by_pool as (
    select pool_id, count(*) as slots from (
      select pool_id from running where pool_id is not null
      union all select pool_id from attempts where phase in ('Claimed', 'Running') and pool_id is not null
    ) held group by 1
  )`;

/**
 * Those that may be admitted by the limit of their pipeline, or of their backfill: the first of each queue, in the order of their
 * pipeline. No more is read of a queue than may leave it, however long it is.
 */
const waiting = `queues as (
    select q.*, p.source_id, p.version_id, f.id as own, v.pool, coalesce(f.max_active_runs, v.max_active_runs) - coalesce(b.runs, 0) as room
    from (select pipeline_id, coalesce(backfill_id, 0) as backfill from runs where phase = 'Queued' group by 1, 2) q
      join pipelines p on p.id = q.pipeline_id and p.retired_at is null join versions v on v.id = p.version_id
      left join backfills s on s.id = q.backfill left join backfills f on f.id = s.id and f.max_active_runs is not null
      left join by_pipeline b on b.pipeline_id = q.pipeline_id and b.own is not distinct from f.id
    where not coalesce(s.suspended, false)
  ), heads as (
    select q.pipeline_id, q.source_id, q.own, q.room, r.*, row_number() over (
      partition by q.pipeline_id, q.own order by r.priority desc, r.first nulls first, r.id) as place
    from queues q cross join lateral (
      select r.id, r.priority, case when r.backfill_id is null then r.window_start end as first,
        case when r.keeps_version then r.version_id else q.version_id end as pinned
      from runs r
      where r.phase = 'Queued' and r.cancel_requested_at is null
        and r.pipeline_id = q.pipeline_id and coalesce(r.backfill_id, 0) = q.backfill
        and ${waitsAreOver('r', 'case when r.keeps_version then r.version_id else q.version_id end')}
      order by r.priority desc, case when r.backfill_id is null then r.window_start end nulls first, r.id
      limit greatest(0, least(q.room, $1))
    ) r
  )`;

/**
 * Pipelines take turns at what they share: of one priority, the run goes first whose pipeline would have the fewest running with it,
 * then the one whose pipeline's turn was longest ago. Each limit is applied to what the narrower one has left, so that no run that
 * cannot be admitted takes the place of one that can.
 */
const chosen = `before as (
    select h.pipeline_id, h.priority, count(*) as runs from (select distinct pipeline_id, priority from heads) h
      join running u on u.pipeline_id = h.pipeline_id and u.priority >= h.priority group by 1, 2
  ), turned as (
    select h.*, v.timeout_ms, o.id as pool, o.slots, t.at,
      coalesce(b.runs, 0) + row_number() over (partition by h.pipeline_id, h.priority order by h.place) as turn
    from heads h left join before b on b.pipeline_id = h.pipeline_id and b.priority = h.priority
      join versions v on v.id = h.pinned left join pools o on o.source_id = h.source_id and o.name = v.pool
      left join turns t on t.pipeline_id = h.pipeline_id and t.step = 'admit'
    where h.place <= h.room
  ), ordered as (
    select *, row_number() over (order by priority desc, turn, at nulls first, id) as rank from turned
  ), pooled as (
    select o.*, row_number() over (partition by pool order by rank) as pool_place from ordered o
  ), sourced as (
    select p.*, row_number() over (partition by source_id order by rank) as source_place
    from pooled p left join by_pool b on b.pool_id = p.pool
    where p.pool is null or p.pool_place <= p.slots - coalesce(b.slots, 0)
  ), counted as (
    select s.*, row_number() over (order by rank) as all_place from sourced s left join by_source b using (source_id)
    where $2::int is null or source_place <= $2 - coalesce(b.runs, 0)
  ), chosen as (
    select * from counted
    where all_place <= $1 and ($3::int is null or all_place <= $3 - (select count(*) from running))
  )`;

/** From where a run comes: a version that is kept, from where the run had it that is run again; else from what its source holds now. */
const provenance = `revision_id = case
           when runs.keeps_version then coalesce((select o.revision_id from runs o where o.id = runs.rerun_of), v.revision_id)
           when p.ready then coalesce(s.revision_id, p.revision_id)
           else coalesce(p.revision_id, v.revision_id) end,
         file = case when runs.keeps_version
           then coalesce((select o.file from runs o where o.id = runs.rerun_of), v.manifest -> 0 ->> 'file', p.file) else p.file end`;

/**
 * Admits queued runs, at most `limit`, under every limit there is: of their pipeline or backfill, their pool, their source and the
 * whole, all counted from live rows in one statement, so no slot can leak. The caller holds `lockSlots`. A run is pinned to
 * the version that is its pipeline's now, unless it keeps its own. Tasks are made in the same statement; `news` hands the run to
 * `advance`.
 */
export async function admitRuns(db: pg.ClientBase, limit: number, limits: Limits): Promise<string[]> {
  const { rows } = await db.query(
    `with ${used}, ${waiting}, ${chosen}, admitted as (
       update runs set phase = 'Running', version_id = c.pinned, pool_id = c.pool, admitted_at = now(), news = true,
         deadline_at = now() + c.timeout_ms * interval '1 ms', ${provenance}
       from chosen c join pipelines p on p.id = c.pipeline_id join sources s on s.id = p.source_id join versions v on v.id = c.pinned
       where runs.id = c.id and runs.phase = 'Queued'
       returning runs.id, runs.name, runs.pipeline_id, runs.version_id
     ), shown as (
       update windows set phase = 'Running' from admitted a where live_run_id = a.id
     ), had as (
       insert into turns (pipeline_id, step, at) select distinct pipeline_id, 'admit', now() from admitted
       on conflict (pipeline_id, step) do update set at = excluded.at
     ), made as (
       insert into tasks (run_id, name, position, blocks, needs, pool)
       select a.id, t.name, t.position, t.blocks, t.needs, t.pool from admitted a join version_tasks t on t.version_id = a.version_id
       -- A rerun has tasks already that it took over.
       on conflict do nothing
     )
     select name from admitted`,
    [limit, limits.maxActiveRunsPerSource ?? null, limits.maxActiveRuns ?? null],
  );
  return rows.map((row) => row.name);
}
