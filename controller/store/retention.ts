import type pg from 'pg';

/** How long history is kept. A run goes when it is older than `runsMs` and not among the newest `runsPerPipeline` of its pipeline. */
export type Retention = {
  readonly runsMs: number;
  readonly runsPerPipeline: number;
  readonly logsMs: number;
  /** Null: windows stay for ever. */
  readonly windowsMs: number | null;
};

/** A month of partitions: `2019_01`, and the ids in it, `[from, to)`. */
export type Month = { readonly name: string; readonly from: number; readonly to: number };

const runTables = ['runs', 'tasks', 'attempts', 'logs', 'log_chunks'] as const;
const logTables = ['logs', 'log_chunks'] as const;

/** So long may a drop wait for its locks, and whoever comes behind it: ms. */
const lockMs = 100;

/** One controller at a time; false when another is at it. Held to the end of the transaction. */
export async function lockRetention(db: pg.ClientBase): Promise<boolean> {
  const { rows } = await db.query(`select pg_try_advisory_xact_lock(hashtext('pipewright.retention')) as mine`);
  return rows[0].mine;
}

/** The months of a table that ended before `ms` ago, oldest first. The last two stay: `ensure_partitions` would make them again. */
async function pastMonths(db: pg.ClientBase, table: 'runs' | 'log_chunks', ms: number): Promise<Month[]> {
  const { rows } = await db.query(
    `with months as (
       select right(c.relname, 7) as name, to_date(right(c.relname, 7), 'YYYY_MM')::timestamp at time zone 'UTC' as begins
       from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = to_regclass($1)
     )
     select name, time_id(begins) as "from", time_id(date_trunc('month', begins + interval '40 days', 'UTC')) as "to" from months
     where date_trunc('month', begins + interval '40 days', 'UTC') <= least(now() - $2 * interval '1 ms', date_trunc('month', now(), 'UTC') - interval '1 month')
     order by begins`,
    [table, ms],
  );
  return rows;
}

/** From which run on a pipeline's runs are kept. Only pipelines that have older ones than `runsMs`; `$1` is that, `$2` the count. */
const keptFrom = `select p.id as pipeline_id, least(time_id(now() - $1 * interval '1 ms'), coalesce(
      (select id from runs where pipeline_id = p.id order by id desc offset $2 - 1 limit 1), 0)) as id
    from pipelines p
    where exists (select from runs r where r.pipeline_id = p.id and r.id < time_id(now() - $1 * interval '1 ms'))`;

/** The months of which no run is kept or goes on, and those of which some are. */
export async function judgeMonths(
  db: pg.ClientBase,
  { runsMs, runsPerPipeline }: Retention,
): Promise<{ whole: Month[]; mixed: Month[] }> {
  const months = await pastMonths(db, 'runs', runsMs);
  if (months.length === 0) return { whole: [], mixed: [] };
  const { rows } = await db.query(
    `with kept_from as materialized (${keptFrom})
     select m.name from jsonb_to_recordset($3) as m(name text, "from" bigint, "to" bigint)
     where exists (select from runs r where r.id >= m."from" and r.id < m."to" and r.phase = 'Queued')
        or exists (select from runs r where r.id >= m."from" and r.id < m."to" and r.phase = 'Running')
        or exists (select from kept_from k where exists (
             select from runs r where r.pipeline_id = k.pipeline_id and r.id >= greatest(k.id, m."from") and r.id < m."to"))`,
    [runsMs, runsPerPipeline, JSON.stringify(months)],
  );
  const kept = new Set(rows.map((row) => row.name));
  return { whole: months.filter(({ name }) => !kept.has(name)), mixed: months.filter(({ name }) => kept.has(name)) };
}

/** The months of which no log is kept, and none is still written. */
export async function pastLogMonths(db: pg.ClientBase, { logsMs }: Retention): Promise<Month[]> {
  const months = await pastMonths(db, 'log_chunks', logsMs);
  const { rows } = await db.query(
    `select m.name from jsonb_to_recordset($1) as m(name text, "from" bigint, "to" bigint)
     where not exists (select from attempts a where a.run_id >= m."from" and a.run_id < m."to" and a.phase in ('Claimed', 'Running'))`,
    [JSON.stringify(months)],
  );
  const over = new Set(rows.map((row) => row.name));
  return months.filter(({ name }) => over.has(name));
}

/**
 * Drops the partitions of a month, all or none. It needs the tables for itself, for the few ms in which their files are unlinked; it waits
 * for that no longer than others can wait behind it. Throws `isLockTimeout` where it did not get them.
 */
export async function dropMonth(db: pg.ClientBase, { name }: Month, what: 'runs' | 'logs'): Promise<void> {
  if (!/^\d{4}_\d\d$/.test(name)) throw new Error(`"${name}" is no month of partitions`);
  await db.query(`set local lock_timeout = ${lockMs}`);
  const tables = what === 'runs' ? runTables : logTables;
  await db.query(`drop table if exists ${tables.map((table) => `${table}_${name}`).join(', ')}`);
}

export function isLockTimeout(error: unknown): boolean {
  return (error as { code?: string }).code === '55P03';
}

/** Deletes runs of these months that are not kept, at most `limit`, and returns how many they were. */
export async function deleteRuns(
  db: pg.ClientBase,
  { runsMs, runsPerPipeline }: Retention,
  months: readonly Month[],
  limit: number,
): Promise<number> {
  if (months.length === 0) return 0;
  const { rows } = await db.query(
    `with kept_from as materialized (${keptFrom})
     select r.id from jsonb_to_recordset($3) as m("from" bigint, "to" bigint) cross join kept_from k cross join lateral (
       select id, finished_at from runs where pipeline_id = k.pipeline_id and id >= m."from" and id < least(k.id, m."to")
     ) r where r.finished_at is not null limit $4`,
    [runsMs, runsPerPipeline, JSON.stringify(months), limit],
  );
  const ids = rows.map((row) => row.id);
  if (ids.length === 0) return 0;
  await db.query('select from runs where id = any($1) order by id for update', [ids]);
  for (const table of ['log_chunks', 'logs', 'attempts', 'tasks'])
    await db.query(`delete from ${table} where run_id = any($1)`, [ids]);
  await db.query('delete from runs where id = any($1)', [ids]);
  return ids.length;
}

/** Which of these runs are queued or run. */
export async function liveAmong(pool: pg.Pool, ids: readonly number[]): Promise<Set<number>> {
  const { rows } = await pool.query(`select id from runs where id = any($1) and finished_at is null`, [ids]);
  return new Set(rows.map((row) => row.id));
}
