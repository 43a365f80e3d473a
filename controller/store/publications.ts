import type pg from 'pg';
import type { PipelinePublication, RunPublication, SourcePublication } from '../../schemas/publications.ts';
import { heldOf } from './reads-waits.ts';

/**
 * What a queued run, `r` of pipeline `p`, waits for. Without figures: they change, and what waits is not written again each time.
 */
const waitMessage = `select case
    when running >= today.max_active_runs then format('waits for a place: as many runs of pipeline "%s" are running as may', p.name)
    when held >= o.slots then format('waits for a slot of pool "%s"', o.name)
  end as message
  from versions today left join pools o on o.source_id = p.source_id and o.name = today.pool
    cross join lateral (select ${heldOf('o.id')} as held) h
    cross join lateral (
      select count(*) as running from runs n left join backfills f on f.id = n.backfill_id
      where n.pipeline_id = p.id and n.phase = 'Running' and f.max_active_runs is null
    ) m
  where today.id = p.version_id and r.phase = 'Queued' and r.cancel_requested_at is null
    and not exists (select from backfills f where f.id = r.backfill_id and f.max_active_runs is not null)`;

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
            r.run_no as "runNo", r.trigger, r.phase, r.reason, coalesce(r.message, u.message, b.message) as message, r.variables, r.queued_at as "queuedAt",
            r.started_at as "startedAt", r.finished_at as "finishedAt", t.done, t.total, v.digest as version, s.name as revision, a.place, q.origin, n.newer
     from runs r join pipelines p on p.id = r.pipeline_id join versions v on v.id = r.version_id join revisions s on s.id = coalesce(r.revision_id, v.revision_id)
       left join requests q on q.id = r.request_id and q.origin is not null
       cross join lateral (
         select 'waits for pipeline ' || string_agg(format('"%s"', u.name), ', ' order by w.block) as message
         from waits w join pipelines u on u.id = w.pipeline_id where w.run_id = r.id
       ) u
       left join lateral (${waitMessage}) b on true
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
            v.bundle_digest as bundle, c.spec as calendar, v.schedule, v.max_active_runs as "maxActiveRuns",
            v.when_busy as "whenBusy", v.priority, v.pool, v.timeout_ms as "timeoutMs",
            p.suspended, v.details ? 'suspend' as "suspendedBySource", p.retired_at is not null as retired, p.ready, b.problem,
            p.schedule_failure as "scheduleFailure", late.late, case when not p.suspended then p.next_due_at end as "nextDueAt", last.run as "lastRun",
            coalesce(live.active, 0) as "activeRuns", coalesce(live.queued, 0) as "queuedRuns"
     from chosen p join sources s on s.id = p.source_id join versions v on v.id = p.version_id join revisions e on e.id = v.revision_id
       left join calendars c on c.id = p.calendar_id left join live on live.pipeline_id = p.id
       left join lateral (
         select format('%s:%s:%s: %s', b.file, b.line, b."column", b.message)
           || coalesce(format(' (commit %s by %s)', left(e.name, 12), e.author), '') as problem
         from problems b left join revisions e on e.id = b.revision_id and e.author is not null
         where b.source_id = p.source_id and b.pipeline = p.name order by b.position limit 1
       ) b on true
       left join lateral (
         select json_build_object('window', w.label, 'deadline', w.deadline_at) as late
         from windows w where w.pipeline_id = p.id and w.late_at is not null and w.phase not in ('Succeeded', 'Skipped')
         order by w.start_at limit 1
       ) late on true
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
    `select s.id, s.name, s.kind, s.location, s.ref, s.path, s.suspended, s.failure, r.name as revision, r.author, s.synced_at as "syncedAt",
            s.failure is not null or coalesce(s.synced_at >= s.declared_at, false) as seen,
            (select count(*)::int from pipelines where source_id = s.id and retired_at is null and version_id is not null) as pipelines,
            (select count(*)::int from problems where source_id = s.id) as "problemCount",
            array(
              select json_strip_nulls(json_build_object('file', b.file, 'line', b.line, 'column', b."column", 'code', b.code,
                'message', b.message, 'pipeline', b.pipeline, 'revision', left(e.name, 12), 'author', e.author))
              from problems b left join revisions e on e.id = b.revision_id where b.source_id = s.id order by b.position limit $2
            ) as problems
     from sources s left join revisions r on r.id = s.revision_id where s.removed_at is null and ${condition} order by s.id`,
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
