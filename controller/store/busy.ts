import type pg from 'pg';
import type { Reason } from '../../schemas/generated/types.ts';
import { waitsAreOver } from './waits.ts';

/** Runs that count for the `maxActiveRuns` of a pipeline: all but those of backfills with a limit of their own. */
const ofPipeline = `not exists (select from backfills f where f.id = r.backfill_id and f.max_active_runs is not null)`;

export type Replaced = { readonly run: string; readonly by: string };

/**
 * `whenBusy: replace`: of the runs that the schedule made, as many of the newest windows stay as `maxActiveRuns` leaves places beside
 * other runs; older ones are cancelled, running or queued, once a newer one waits for a place. One that is finishing is left to its end: each of
 * its tasks has settled, or its last attempt has reported or ended. The caller holds `lockSlots`.
 */
export async function replaceOlder(db: pg.ClientBase): Promise<Replaced[]> {
  const { rows } = await db.query(
    `with late as (
       select q.pipeline_id, v.max_active_runs, max(q.window_start) as newest
       from runs q join pipelines p on p.id = q.pipeline_id and p.retired_at is null join versions v on v.id = p.version_id
       where q.phase = 'Queued' and q.trigger = 'schedule' and q.cancel_requested_at is null and v.when_busy = 'replace'
         and ${waitsAreOver('q', 'v.id')} group by 1, 2
     ), live as (
       select * from runs where phase = 'Running' and pipeline_id in (select pipeline_id from late)
       union all select * from runs where phase = 'Queued' and pipeline_id in (select pipeline_id from late)
     ), aged as (
       select r.id, r.pipeline_id, r.window_start, row_number() over (partition by r.pipeline_id order by r.window_start desc) as age
       from live r join late l using (pipeline_id)
       where r.trigger = 'schedule' and r.cancel_requested_at is null and r.window_start <= l.newest
     ), others as (
       select r.pipeline_id, count(*) as runs from live r
       where r.phase = 'Running' and r.trigger <> 'schedule' and r.cancel_requested_at is null and ${ofPipeline} group by 1
     )
     select a.id, n.name as by from aged a join late l using (pipeline_id) left join others o using (pipeline_id)
       join live n on n.pipeline_id = a.pipeline_id and n.window_start = l.newest and n.phase = 'Queued' and n.trigger = 'schedule'
     where a.age > greatest(1, l.max_active_runs - coalesce(o.runs, 0)) and a.window_start < l.newest order by a.id`,
  );
  if (rows.length === 0) return [];
  const ids = rows.map((row) => row.id);
  // Whether they are finishing is looked at once nobody else can change that.
  await db.query('select from runs where id = any($1) order by id for update', [ids]);
  const { rows: ended } = await db.query(
    `update runs r set cancel_requested_at = now(), cancel_reason = 'Replaced', news = true
     where r.id = any($1) and r.cancel_requested_at is null and (r.phase = 'Queued' or r.phase = 'Running' and exists (
       select from tasks t left join attempts a on a.run_id = t.run_id and a.task = t.name and a.number = t.attempts
       where t.run_id = r.id and t.phase in ('Pending', 'Ready', 'Running')
         and not (t.phase = 'Running' and (a.report is not null or a.finished_at is not null))))
     returning r.id, r.name`,
    [ids],
  );
  const byId = new Map(rows.map((row) => [row.id, row.by]));
  return ended.map(({ id, name }) => ({ run: name, by: byId.get(id) }));
}

export type BusyRun = {
  readonly id: number;
  readonly name: string;
  readonly phase: 'Skipped';
  readonly reason: Reason;
  readonly message: string;
};

/**
 * `whenBusy: skip`: the runs of due windows, locked, that found no place under the `maxActiveRuns` of their pipeline, at most `limit`. The
 * caller holds `lockSlots` and has admitted what could be.
 */
export async function takeBusy(db: pg.ClientBase, limit: number): Promise<BusyRun[]> {
  const { rows } = await db.query(
    `select q.id, q.name, format('%s of %s runs of pipeline "%s" were running when its turn came, and its \`whenBusy\` is skip', b.runs, v.max_active_runs, p.name) as message
     from runs q join pipelines p on p.id = q.pipeline_id and p.retired_at is null join versions v on v.id = p.version_id
       cross join lateral (
         select count(*) as runs from runs r where r.pipeline_id = p.id and r.phase = 'Running' and ${ofPipeline}
       ) b
     where q.phase = 'Queued' and q.trigger = 'schedule' and q.cancel_requested_at is null and v.when_busy = 'skip'
       and b.runs >= v.max_active_runs and ${waitsAreOver('q', 'v.id')}
     order by q.id limit $1 for update of q`,
    [limit],
  );
  return rows.map((row) => ({ ...row, phase: 'Skipped', reason: 'Busy' }));
}
