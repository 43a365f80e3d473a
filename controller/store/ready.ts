import type pg from 'pg';

export type AttemptKey = { readonly run_id: number; readonly task: string; readonly number: number };
type ReadyTask = AttemptKey & { readonly pool: number | null };

/**
 * Ready tasks that may begin, their runs locked, at most `atMost` and no more than `capacity` attempts are live with. A task with a pool
 * takes a slot of it. Pipelines take turns, as at their admission: of one priority, the task goes first whose pipeline would have the
 * fewest attempts with it, then the one whose pipeline's turn was longest ago, and of its runs the one that was admitted first. The caller holds the lock of `launch`.
 */
export async function takeReady(
  db: pg.ClientBase,
  { capacity, atMost }: { capacity: number; atMost: number },
): Promise<ReadyTask[]> {
  // Runs take slots of the same pools. A task with a pool that is ready only after this look waits for the next.
  const { rowCount: pooled } = await db.query(
    `select pg_advisory_xact_lock(hashtext('pipewright.admit')) where exists (select from tasks where phase = 'Ready' and pool is not null)`,
  );
  const { rows } = await db.query<ReadyTask>(
    `with live as materialized (
       select r.pipeline_id, r.priority, count(*) as attempts
       from attempts a join runs r on r.id = a.run_id where a.phase in ('Claimed', 'Running') group by 1, 2
     ), held as (
       select pool_id, count(*) as slots from (
         select pool_id from runs where phase = 'Running' and pool_id is not null
         union all select pool_id from attempts where phase in ('Claimed', 'Running') and pool_id is not null
       ) h group by 1
     ), ready as materialized (
       select t.run_id, t.name as task, t.attempts + 1 as number, t.position, r.pipeline_id, r.priority, r.admitted_at, o.id as pool, o.slots
       from tasks t join runs r on r.id = t.run_id join pipelines p on p.id = r.pipeline_id
         left join pools o on o.source_id = p.source_id and o.name = t.pool
       where t.phase = 'Ready' and (t.not_before is null or t.not_before <= now()) and r.cancel_requested_at is null and (t.pool is null or $3)
     ), before as (
       select q.pipeline_id, q.priority, sum(l.attempts) as attempts
       from (select distinct pipeline_id, priority from ready) q
         join live l on l.pipeline_id = q.pipeline_id and l.priority >= q.priority group by 1, 2
     ), turned as (
       select y.*, coalesce(b.attempts, 0)
         + row_number() over (partition by y.pipeline_id, y.priority order by y.admitted_at, y.run_id, y.position) as turn, t.at
       from ready y left join turns t on t.pipeline_id = y.pipeline_id and t.step = 'launch' left join before b on b.pipeline_id = y.pipeline_id and b.priority = y.priority
     ), ordered as (
       select *, row_number() over (order by priority desc, turn, at nulls first, admitted_at, run_id, position) as rank from turned
     ), pooled as (
       select *, row_number() over (partition by pool order by rank) as pool_place from ordered
     )
     select k.run_id, k.task, k.number, k.pool from pooled k join runs r on r.id = k.run_id left join held h on h.pool_id = k.pool
     where r.cancel_requested_at is null and (k.pool is null or k.pool_place <= k.slots - coalesce(h.slots, 0))
     order by k.rank
     limit greatest(0, least($1 - (select coalesce(sum(attempts), 0) from live), $2)) for update of r skip locked`,
    [capacity, atMost, pooled === 1],
  );
  return rows;
}

/** Makes the attempts of ready tasks whose runs the caller has locked. */
export async function beginAttempts(db: pg.ClientBase, keys: readonly ReadyTask[]): Promise<void> {
  if (keys.length === 0) return;
  await db.query(
    `with k as (select * from jsonb_to_recordset($1) as k(run_id bigint, task text, number int, pool int)),
     begun as (
       update tasks t set phase = 'Running', attempts = k.number, reason = null, not_before = null, started_at = coalesce(t.started_at, now())
       from k where t.run_id = k.run_id and t.name = k.task and t.phase = 'Ready' and t.attempts = k.number - 1
       returning k.run_id, k.task, k.number, k.pool
     ), started as (
       update runs set started_at = now() where id in (select run_id from begun) and started_at is null
     ), had as (
       insert into turns (pipeline_id, step, at)
       select distinct r.pipeline_id, 'launch', now() from begun join runs r on r.id = begun.run_id
       on conflict (pipeline_id, step) do update set at = excluded.at
     )
     insert into attempts (run_id, task, number, pool_id, timeout_ms)
     select k.run_id, k.task, k.number, k.pool, least(d.timeout_ms,
       case when r.deadline_at is not null then greatest(0, ceil(extract(epoch from r.deadline_at - now()) * 1000))::bigint end)
     from begun k join runs r on r.id = k.run_id join version_tasks d on d.version_id = r.version_id and d.name = k.task`,
    [JSON.stringify(keys)],
  );
}
