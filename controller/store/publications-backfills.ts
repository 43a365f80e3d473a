import type pg from 'pg';
import type { BackfillPublication } from '../../schemas/publications.ts';
import { type BackfillRow, backfillColumns, backfillCounts, backfillSummary } from './reads-backfills.ts';

type Row = BackfillRow & Pick<BackfillPublication, 'variables' | 'origin' | 'newer'>;

/**
 * What the custom resources of backfills show: of these ids, or of the objects of these names and uids. `newer` is counted up to
 * `history`.
 */
export async function readBackfillPublications(
  pool: pg.Pool,
  by: { ids: readonly number[] } | { names: readonly string[]; uids: readonly string[] },
  history: number,
): Promise<BackfillPublication[]> {
  const [condition, keys] =
    'ids' in by
      ? ['b.id = any($1)', [by.ids]]
      : [`((b.origin is null and b.name = any($1)) or b.origin ->> 'uid' = any($3))`, [by.names, by.uids]];
  const [first, ...more] = keys;
  const { rows } = await pool.query<Row>(
    `select ${backfillColumns}, b.variables, b.origin, n.newer
     from backfills b join pipelines p on p.id = b.pipeline_id ${backfillCounts}
       cross join lateral (
         select count(*)::int as newer from (
           select from backfills o where o.pipeline_id = b.pipeline_id and o.id > b.id order by o.id desc limit $2
         ) o
       ) n
     where ${condition} order by b.id`,
    [first, history, ...more],
  );
  return rows.map((row) => ({ ...backfillSummary(row), id: row.id }) as BackfillPublication);
}

export type ShownBackfill = Pick<BackfillPublication, 'name' | 'origin'>;

/** Ended backfills that a number of newer ones has pushed out of the newest `history` of their pipeline. */
export async function backfillsBeyondHistory(
  pool: pg.Pool,
  pipelines: readonly { name: string; count: number }[],
  history: number,
): Promise<ShownBackfill[]> {
  if (pipelines.length === 0) return [];
  const { rows } = await pool.query<ShownBackfill>(
    `select o.name, o.origin
     from jsonb_to_recordset($1) as n(name text, count int) join pipelines p on p.name = n.name
       cross join lateral (
         select name, origin, phase from backfills where pipeline_id = p.id order by id desc offset $2 limit n.count
       ) o
     where o.phase <> 'Running'`,
    [JSON.stringify(pipelines), history],
  );
  return rows;
}

/**
 * Running backfills that people asked for by objects in a namespace, and those that are shown by objects of these names. One that was
 * given another turn may go on without its object.
 */
export async function runningBackfills(
  pool: pg.Pool,
  { namespace, deleted }: { namespace: string; deleted: readonly string[] },
): Promise<ShownBackfill[]> {
  const { rows } = await pool.query<ShownBackfill>(
    `select name, origin from backfills
     where phase = 'Running' and ((origin ->> 'namespace' = $1 and started_at = created_at)
       or (coalesce(origin ->> 'namespace', $1) = $1 and coalesce(origin ->> 'name', name) = any($2))) order by id`,
    [namespace, deleted],
  );
  return rows;
}
