import type pg from 'pg';
import type { PipelineFacts } from '../../schemas/generated/types.ts';

/** What is looked at of each pipeline, however long its history is. */
const newestWindows = 1000;
const newestRuns = 50;
const mostQueued = 1000;
const mostBackfills = 100;

/** What the ledger knows of pipelines by these names; of those that are retired or not there nothing. Bounded for each of them. */
export async function readPlanFacts(pool: pg.Pool, names: readonly string[]): Promise<PipelineFacts[]> {
  const { rows } = await pool.query<PipelineFacts>(
    `select p.name as pipeline, w.succeeded, w.total = ${newestWindows} as "isMore", active.runs as "activeRuns", queued.runs as "queuedRuns",
            d.mean as "meanDurationMs", coalesce(b.backfills, '[]') as backfills
     from pipelines p
       cross join lateral (
         select count(*)::int as total, count(*) filter (where phase = 'Succeeded')::int as succeeded
         from (select phase from windows where pipeline_id = p.id order by start_at desc limit ${newestWindows}) n
       ) w
       cross join lateral (select count(*)::int as runs from runs where pipeline_id = p.id and phase = 'Running') active
       cross join lateral (
         select count(*)::int as runs from (
           select from runs where pipeline_id = p.id and phase = 'Queued' limit ${mostQueued}
         ) n
       ) queued
       cross join lateral (
         select round(avg(extract(epoch from finished_at - started_at)) * 1000)::float8 as mean from (
           select phase, started_at, finished_at from runs where pipeline_id = p.id order by id desc limit ${newestRuns}
         ) n where phase = 'Succeeded' and started_at is not null
       ) d
       left join lateral (
         select json_agg(json_build_object('name', f.name, 'version', f.version, 'waiting', c.waiting, 'live', c.live, 'succeeded', c.succeeded)
           order by f.id) as backfills
         from (select id, name, version from backfills where pipeline_id = p.id and phase = 'Running' order by id desc limit ${mostBackfills}) f
           cross join lateral (
             select count(*) filter (where phase is null and run_id is null) as waiting,
               count(*) filter (where phase is null and run_id is not null) as live,
               count(*) filter (where phase in ('Succeeded', 'Skipped')) as succeeded
             from backfill_windows where backfill_id = f.id
           ) c
       ) b on true
     where p.name = any($1) and p.retired_at is null order by p.name`,
    [names],
  );
  return rows;
}
