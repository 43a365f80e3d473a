import type pg from 'pg';

/** Something that changed and that `publish` has not brought to Kubernetes yet. */
export type DirtyMark = {
  readonly kind: 'pipeline' | 'run' | 'source' | 'backfill';
  readonly id: number;
  /** The changes that were seen. One that was made earlier may still commit later, and has then not been published. */
  readonly versions: readonly number[];
  /** Since when it waits. A run's is never after its `finishedAt`, unless the run had been published as settled before. */
  readonly markedAt: Date;
};

/** How long marks of a pace rest, in ms, so that changes which follow each other closely are published once; `now` never does. */
export type Rest = Readonly<
  Partial<Record<'run' | 'pipeline' | 'backfill', Readonly<Partial<Record<'soon' | 'later' | 'last', number>>>>>
>;

/** More marks than this are not looked at for one pass, however many an outage has left. */
const looked = 10_000;

/**
 * The rows with the oldest changes whose marks have rested, each with all its marks. They stay until `forget`. A mark of the future is
 * of before the clock was set back, and rests no longer.
 */
export async function takeDirty(pool: pg.Pool, options: { limit: number; rest: Rest }): Promise<DirtyMark[]> {
  const { rows } = await pool.query(
    `with rested as (
       select kind, id, min(version) as first from (
         select kind, id, version from dirty
         where marked_at <= now() - coalesce(($2::jsonb -> kind ->> pace)::float8, 0) * interval '1 ms' or marked_at > now()
         order by version limit $3
       ) d group by kind, id
       -- In turns: thousands of pipelines that are shown once more do not keep a run waiting.
       order by row_number() over (partition by kind order by min(version)), first limit $1
     )
     select kind, id, array_agg(d.version) as versions, min(d.marked_at) as "markedAt"
     from rested join dirty d using (kind, id) group by kind, id, first order by first`,
    [options.limit, JSON.stringify(options.rest), looked],
  );
  return rows;
}

/** Removes these marks and no others: what changed since they were taken stays marked. */
export async function forget(db: pg.ClientBase, marks: readonly DirtyMark[]): Promise<void> {
  if (marks.length === 0) return;
  await db.query('delete from dirty where version = any ($1)', [marks.flatMap(({ versions }) => versions)]);
}

/** Marks anew what was published by somebody who was not the owner any more: the owner writes it once more, as it is now. */
export async function markAgain(pool: pg.Pool, marks: readonly DirtyMark[]): Promise<void> {
  if (marks.length === 0) return;
  // In the order of their keys, as everywhere, so that two that mark the same rows do not deadlock.
  await pool.query(
    `select mark_dirty(kind, id) from (
       select kind, id from jsonb_to_recordset($1) as m(kind text, id bigint) order by kind, id
     ) m`,
    [JSON.stringify(marks)],
  );
}

/** Marks all sources, pipelines, live runs and backfills: for an owner that begins, which cannot know what its predecessor still wrote. */
export async function markLive(pool: pg.Pool): Promise<void> {
  await pool.query(
    `select mark_dirty(kind, id) from (
       select 'pipeline' as kind, id::bigint from pipelines where retired_at is null and version_id is not null
       union all select 'source', id from sources
       union all select 'backfill', id from backfills where phase = 'Running'
       union all select 'run', id from runs where phase = 'Queued'
       union all select 'run', id from runs where phase = 'Running'
       order by 1, 2
     ) live`,
  );
}

/** Marks backfills that are to be shown once more, although nothing of them has changed. */
export async function markBackfills(pool: pg.Pool, ids: readonly number[]): Promise<void> {
  if (ids.length === 0) return;
  await pool.query(`select mark_dirty('backfill', id) from (select unnest($1::bigint[]) as id order by 1) b`, [ids]);
}

/** Marks pipelines or sources by name; names that nothing has are passed over. */
export async function markNamed(pool: pg.Pool, kind: 'pipeline' | 'source', names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const table = kind === 'pipeline' ? 'pipelines' : 'sources';
  await pool.query(`select mark_dirty($2, id) from (select id from ${table} where name = any($1) order by id) p`, [
    names,
    kind,
  ]);
}
