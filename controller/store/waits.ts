import type pg from 'pg';
import type { CompiledWait } from '../../schemas/generated/types.ts';
import { covered, hasMoreToCome, isOver, openWindows } from './upstream.ts';

/** Whether nothing keeps a queued run from being admitted on a version: it does not wait, or its waits are over. */
export const waitsAreOver = (run: string, version: string): string =>
  `(${run}.cleared_version_id = ${version} or not (select w.waits from versions w where w.id = ${version}))`;

/** A queued run of a version that waits, before anybody has noted what for; and the version it would be admitted on. */
export type NewlyWaiting = {
  readonly runId: number;
  readonly versionId: number;
  readonly queuedAt: Date;
  readonly windowStart: Date | null;
  readonly windowEnd: Date | null;
  readonly windowLabel: string | null;
  readonly calendar: unknown;
  readonly waits: readonly (CompiledWait & { readonly block: string; readonly pipelineId: number })[];
};

/**
 * Takes queued runs, locked, of which nobody has noted what they wait for on the version that they would be admitted on. Those that wait
 * for a pipeline that has never had a good version are passed over.
 */
export async function takeNewlyWaiting(db: pg.ClientBase, limit: number): Promise<NewlyWaiting[]> {
  const { rows } = await db.query(
    `with waiting as materialized (
       select p.id, p.version_id from pipelines p where p.retired_at is null
         and exists (select from versions v where v.pipeline_id = p.id and v.waits)
     )
     select r.id as "runId", v.id as "versionId", r.queued_at as "queuedAt", r.window_start as "windowStart", r.window_end as "windowEnd",
            r.window_label as "windowLabel", c.spec as calendar, t.waits
     from waiting p join runs r on r.pipeline_id = p.id and r.phase = 'Queued' and r.cancel_requested_at is null
       join versions v on v.id = case when r.keeps_version then r.version_id else p.version_id end and v.waits
       left join calendars c on c.id = r.calendar_id
       cross join lateral (
         select json_agg(t.wait || jsonb_build_object('block', t.name, 'pipelineId', u.id)) as waits, bool_and(u.id is not null) as known
         from version_tasks t left join pipelines u on u.name = t.wait ->> 'pipeline' and u.version_id is not null
         where t.version_id = v.id and t.wait is not null
       ) t
     where t.known and r.cleared_version_id is distinct from v.id
       and not exists (select from waits w where w.run_id = r.id and w.version_id = v.id)
     order by r.id limit $1 for update of r skip locked`,
    [limit],
  );
  return rows;
}

export type NewWait = {
  readonly runId: number;
  readonly block: string;
  readonly versionId: number;
  readonly pipelineId: number;
  readonly from: Date;
  readonly to: Date;
  readonly kind: CompiledWait['window'];
  readonly giveUpAt: Date;
};

/** Notes what runs wait for on a version, in place of what they waited for on another. */
export async function saveWaits(db: pg.ClientBase, waits: readonly NewWait[]): Promise<void> {
  if (waits.length === 0) return;
  await db.query('delete from waits where run_id = any($1)', [[...new Set(waits.map(({ runId }) => runId))]]);
  await db.query(
    `insert into waits (run_id, block, version_id, pipeline_id, from_at, to_at, kind, give_up_at)
     select "runId", block, "versionId", "pipelineId", "from", "to", kind, "giveUpAt"
     from jsonb_to_recordset($1) as w("runId" bigint, block text, "versionId" bigint, "pipelineId" int, "from" timestamptz, "to" timestamptz,
       kind text, "giveUpAt" timestamptz)`,
    [JSON.stringify(waits)],
  );
}

export type Wait = {
  readonly runId: number;
  readonly run: string;
  readonly versionId: number;
  readonly block: string;
  readonly pipeline: string;
  readonly from: Date;
  readonly to: Date;
  readonly giveUpAt: Date;
  readonly isOver: boolean;
  readonly hasFailed: boolean;
  /** Of its windows that are not done the first ones; those that the ledger does not have are not among them. */
  readonly windows: readonly { readonly label: string; readonly phase: string; readonly reason: string | null }[];
  readonly now: Date;
};

/**
 * Takes all waits of runs for which something has changed, or whose time is over; runs and waits are locked. What there is of their
 * windows is read after that: whoever ends one of them later wakes the wait again. One of a backfill that was made with others does not
 * wait for what failed there: it would keep places of its backfill, and a retry gives both another turn. A wait that somebody is just waking is left
 * to the next pass, with its run.
 */
export async function takeWoken(db: pg.ClientBase, limit: number): Promise<Wait[]> {
  const { rows: runs } = await db.query(
    `select r.id from runs r where r.id in (
       select run_id from waits where woken union select run_id from waits where give_up_at <= now()
     ) order by r.id limit $1 for update of r skip locked`,
    [limit],
  );
  if (runs.length === 0) return [];
  const { rows: taken } = await db.query(
    `with locked as (select run_id from waits where run_id = any($1) for update skip locked)
     select run_id as id from locked group by run_id having count(*) = (select count(*) from waits w where w.run_id = locked.run_id)`,
    [runs.map(({ id }) => id)],
  );
  const ids = taken.map(({ id }) => id);
  await db.query(
    `delete from waits w using runs r where r.id = w.run_id and r.id = any($1)
       and (r.phase <> 'Queued' or r.cancel_requested_at is not null)`,
    [ids],
  );
  const { rows } = await db.query(
    `select w.run_id as "runId", r.name as run, w.version_id as "versionId", w.block, u.name as pipeline, w.from_at as "from", w.to_at as "to",
            case when b.parent_id is not null and o.failed and not ${hasMoreToCome} then now() else w.give_up_at end as "giveUpAt", ${isOver} as "isOver", o.failed as "hasFailed", o.windows, now() as now
     from waits w join runs r on r.id = w.run_id join pipelines u on u.id = w.pipeline_id
       left join backfills b on b.id = r.backfill_id ${covered} ${openWindows}
     where w.run_id = any($1) order by w.run_id, w.block`,
    [ids],
  );
  return rows;
}

/** These have been looked at and go on to wait. */
export async function letSleep(db: pg.ClientBase, runIds: readonly number[]): Promise<void> {
  if (runIds.length > 0) await db.query('update waits set woken = false where run_id = any($1)', [runIds]);
}

/** The waits of these runs are over: nothing of a version keeps them from being admitted on it. */
export async function clearRuns(
  db: pg.ClientBase,
  cleared: readonly { readonly runId: number; readonly versionId: number }[],
): Promise<void> {
  if (cleared.length === 0) return;
  await db.query(
    `with done as (
       update runs r set cleared_version_id = c."versionId", message = null
       from jsonb_to_recordset($1) as c("runId" bigint, "versionId" bigint) where r.id = c."runId" and r.phase = 'Queued' returning r.id
     )
     delete from waits where run_id in (select id from done)`,
    [JSON.stringify(cleared)],
  );
}

/** When the next of those that wait gives up: ms from now, null when none does. */
export async function msUntilGivenUp(pool: pg.Pool): Promise<number | null> {
  const { rows } = await pool.query(
    'select ceil(extract(epoch from min(give_up_at) - now()) * 1000)::float8 as ms from waits',
  );
  return rows[0].ms === null ? null : Math.max(0, rows[0].ms);
}
