import type pg from 'pg';
import type { PoolHolder, PoolList, PoolSummary } from '../../schemas/generated/types.ts';
import { iso } from './reads-page.ts';

const shown = 100;

/** Who holds slots and who waits for them, longest first. Both are what is live, which partial indexes hold. */
const both = `held as (
    select pool_id, id as run_id, null::text as task, admitted_at as since from runs where phase = 'Running' and pool_id is not null
    union all select pool_id, run_id, task, created_at from attempts where phase in ('Claimed', 'Running') and pool_id is not null
  ), waits as (
    select o.id as pool_id, r.id as run_id, null::text as task, r.queued_at as since
    from runs r join pipelines p on p.id = r.pipeline_id
      join versions v on v.id = case when r.keeps_version then r.version_id else p.version_id end
      join pools o on o.source_id = p.source_id and o.name = v.pool
    where r.phase = 'Queued' and r.cancel_requested_at is null
    union all
    select o.id, t.run_id, t.name, coalesce(t.not_before, r.admitted_at)
    from tasks t join runs r on r.id = t.run_id join pipelines p on p.id = r.pipeline_id
      join pools o on o.source_id = p.source_id and o.name = t.pool
    where t.phase = 'Ready' and r.cancel_requested_at is null
  ), ranked as (
    select 'holders' as part, h.*, row_number() over w as place, count(*) over (partition by pool_id) as total
    from held h window w as (partition by pool_id order by since, run_id, task)
    union all
    select 'waiters', h.*, row_number() over w, count(*) over (partition by pool_id)
    from waits h window w as (partition by pool_id order by since, run_id, task)
  )`;

type PoolRow = Pick<PoolSummary, 'name' | 'source' | 'description' | 'slots' | 'gone'> & { readonly id: number };
type Line = Omit<PoolHolder, 'since'> & {
  readonly poolId: number;
  readonly part: 'holders' | 'waiters';
  readonly total: number;
  readonly since: Date;
};

/** All pools, by name. One whose manifest is gone is there for as long as somebody holds a slot of it, or waits for one. */
export async function readPools(pool: pg.Pool): Promise<PoolList> {
  const { rows: pools } = await pool.query<PoolRow>(
    `select o.id, o.name, s.name as source, o.description, o.slots, o.retired_at is not null as gone
     from pools o join sources s on s.id = o.source_id order by o.name, s.name`,
  );
  const { rows: lines } = await pool.query<Line>(
    `with ${both}
     select k.pool_id as "poolId", k.part, k.total, r.name as run, p.name as pipeline, k.task, k.since
     from ranked k join runs r on r.id = k.run_id join pipelines p on p.id = r.pipeline_id
     where k.place <= ${shown} order by k.part, k.pool_id, k.place`,
  );
  const byPool = Map.groupBy(lines, ({ poolId }) => poolId);
  return {
    pools: pools.flatMap((row) => {
      const summary = summaryOf(row, byPool.get(row.id) ?? []);
      return row.gone && summary.used + summary.waiting === 0 ? [] : [summary];
    }),
  };
}

function summaryOf({ id: _, ...row }: PoolRow, lines: readonly Line[]): PoolSummary {
  const of = (part: Line['part']) => lines.filter((line) => line.part === part);
  const [holders, waiters] = [of('holders'), of('waiters')];
  return {
    ...row,
    used: holders[0]?.total ?? 0,
    waiting: waiters[0]?.total ?? 0,
    holders: holders.map(holder),
    waiters: waiters.map(holder),
  };
}

function holder({ run, pipeline, task, since }: Line): PoolHolder {
  return { run, pipeline, task, since: iso(since) };
}
