import type pg from 'pg';
import type { PipelinePublication, RunPublication, SourcePublication } from '../../schemas/publications.ts';

type RunRow = Omit<RunPublication, 'window' | 'tasks'> & {
  readonly windowStart: Date | null;
  readonly windowEnd: Date | null;
  readonly windowLabel: string | null;
  readonly done: number;
  readonly total: number;
};

/** What the custom resources of runs show; ids that are no runs are passed over. `newer` is counted up to `history`. */
export async function readRunPublications(
  pool: pg.Pool,
  ids: readonly number[],
  history: number,
): Promise<RunPublication[]> {
  const { rows } = await pool.query<RunRow>(
    `select r.id, r.name, p.name as pipeline, r.window_start as "windowStart", r.window_end as "windowEnd", r.window_label as "windowLabel",
            r.run_no as "runNo", r.trigger, r.phase, r.reason, r.message, r.variables, r.queued_at as "queuedAt", r.started_at as "startedAt",
            r.finished_at as "finishedAt", t.done, t.total, v.digest as version, s.name as revision, a.place, q.origin, n.newer
     from runs r join pipelines p on p.id = r.pipeline_id join versions v on v.id = r.version_id join revisions s on s.id = v.revision_id
       left join requests q on q.id = r.request_id and q.origin is not null
       cross join lateral (
         select count(k.phase) filter (where k.phase = 'Succeeded')::int as done, count(*)::int as total
         from version_tasks d left join tasks k on k.run_id = r.id and k.name = d.name where d.version_id = r.version_id
       ) t
       left join lateral (
         select place from attempts where run_id = r.id and place is not null order by created_at desc limit 1
       ) a on true
       cross join lateral (
         select count(*)::int as newer from (
           select from runs o where o.pipeline_id = r.pipeline_id and o.id > r.id order by o.id desc limit $2
         ) o
       ) n
     where r.id = any($1) order by r.id`,
    [ids, history],
  );
  return rows.map(runPublication);
}

function runPublication({
  windowStart: start,
  windowEnd: end,
  windowLabel,
  done,
  total,
  ...row
}: RunRow): RunPublication {
  const window = start && end ? { start, end, label: windowLabel ?? '' } : null;
  return { ...row, window, tasks: { done, total } };
}

/**
 * Settled runs that a number of newer ones has pushed out of the newest `history` of their pipeline: the `count` next to
 * the limit, by pipeline name.
 */
export async function runsBeyondHistory(
  pool: pg.Pool,
  pipelines: readonly { name: string; count: number }[],
  history: number,
): Promise<Pick<RunPublication, 'name' | 'origin'>[]> {
  if (pipelines.length === 0) return [];
  const { rows } = await pool.query(
    `select o.name, q.origin
     from jsonb_to_recordset($1) as b(name text, count int) join pipelines p on p.name = b.name
       cross join lateral (
         select name, phase, request_id from runs where pipeline_id = p.id order by id desc offset $2 limit b.count
       ) o
       left join requests q on q.id = o.request_id and q.origin is not null
     where o.phase not in ('Queued', 'Running')`,
    [JSON.stringify(pipelines), history],
  );
  return rows;
}

/** What the custom resources of pipelines show; those that never had a good version have none and are passed over. */
export async function readPipelinePublications(
  pool: pg.Pool,
  by: { ids: readonly number[] } | { names: readonly string[] },
): Promise<PipelinePublication[]> {
  const [condition, keys] = 'ids' in by ? ['p.id = any($1)', by.ids] : ['p.name = any($1)', by.names];
  const { rows } = await pool.query<PipelinePublication>(
    `with chosen as (select p.* from pipelines p where ${condition}), live as (
       select pipeline_id, count(*) filter (where phase = 'Running')::int as active, count(*) filter (where phase = 'Queued')::int as queued
       from (select pipeline_id, phase from runs where phase = 'Running'
             union all select pipeline_id, phase from runs where phase = 'Queued') r
       where pipeline_id in (select id from chosen) group by pipeline_id
     )
     select p.id, p.name, v.details ->> 'description' as description, s.name as source, p.file, e.name as revision, v.digest as version,
            v.bundle_digest as bundle, c.spec as calendar, v.schedule, v.max_active_runs as "maxActiveRuns", v.timeout_ms as "timeoutMs",
            p.suspended, v.details ? 'suspend' as "suspendedBySource", p.retired_at is not null as retired, p.ready, b.message as problem,
            case when not p.suspended then p.next_due_at end as "nextDueAt", last.run as "lastRun",
            coalesce(live.active, 0) as "activeRuns", coalesce(live.queued, 0) as "queuedRuns"
     from chosen p join sources s on s.id = p.source_id join versions v on v.id = p.version_id join revisions e on e.id = v.revision_id
       left join calendars c on c.id = p.calendar_id left join live on live.pipeline_id = p.id
       left join lateral (
         select message from problems where source_id = p.source_id and pipeline = p.name order by position limit 1
       ) b on true
       left join lateral (
         select json_build_object('name', r.name, 'window', r.window_label, 'phase', r.phase) as run
         from runs r where r.pipeline_id = p.id order by r.id desc limit 1
       ) last on true
     order by p.id`,
    [keys],
  );
  return rows;
}

/** What the custom resources of sources show, with the first `problems` of each. */
export async function readSourcePublications(
  pool: pg.Pool,
  by: { ids: readonly number[] } | { names: readonly string[] },
  problems: number,
): Promise<SourcePublication[]> {
  const [condition, keys] = 'ids' in by ? ['s.id = any($1)', by.ids] : ['s.name = any($1)', by.names];
  const { rows } = await pool.query<SourcePublication>(
    `select s.id, s.name, s.location, r.name as revision, s.synced_at as "syncedAt",
            (select count(*)::int from pipelines where source_id = s.id and retired_at is null and version_id is not null) as pipelines,
            (select count(*)::int from problems where source_id = s.id) as "problemCount",
            array(
              select json_strip_nulls(json_build_object('file', file, 'line', line, 'column', "column", 'code', code,
                'message', message, 'pipeline', pipeline))
              from problems where source_id = s.id order by position limit $2
            ) as problems
     from sources s join revisions r on r.id = s.revision_id where s.kind = 'folder' and ${condition} order by s.id`,
    [keys, problems],
  );
  return rows;
}

/** Stops or starts a schedule for somebody who may; returns whether that changed anything. */
export async function setSuspended(db: pg.ClientBase, name: string, suspended: boolean): Promise<boolean> {
  const { rowCount } = await db.query(
    'update pipelines set suspended = $2 where name = $1 and retired_at is null and suspended <> $2',
    [name, suspended],
  );
  return rowCount === 1;
}
