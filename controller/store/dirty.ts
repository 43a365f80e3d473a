import type pg from 'pg';

/** Something that changed and that `publish` has not brought to Kubernetes yet. */
export type DirtyMark = {
  readonly kind: 'pipeline' | 'run' | 'source';
  readonly id: number;
  /** The changes that were seen. One that was made earlier may still commit later, and has then not been published. */
  readonly versions: readonly number[];
  /** Since when it waits. A run's is never after its `finishedAt`, unless the run had been published as settled before. */
  readonly markedAt: Date;
};

/** How long marks rest, in ms, so that changes which follow each other closely are published once. */
export type Rest = { readonly run: number; readonly pipeline: number };

/** More marks than this are not looked at for one pass, however many an outage has left. */
const looked = 10_000;

/** The oldest changes whose marks have rested, one per row. They stay until `forget`. */
export async function takeDirty(pool: pg.Pool, options: { limit: number; rest: Rest }): Promise<DirtyMark[]> {
  const { limit, rest } = options;
  const { rows } = await pool.query(
    `select kind, id, array_agg(version) as versions, min(marked_at) as "markedAt"
     from (select * from dirty order by version limit $4) d group by kind, id
     having min(marked_at) <= now() - (case kind when 'run' then $2 else $3 end)::float8 * interval '1 ms'
     order by min(version) limit $1`,
    [limit, rest.run, rest.pipeline, looked],
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

/** Marks all pipelines and live runs: for an owner that begins, which cannot know what its predecessor still wrote. */
export async function markLive(pool: pg.Pool): Promise<void> {
  await pool.query(
    `select mark_dirty(kind, id) from (
       select 'pipeline' as kind, id::bigint from pipelines where retired_at is null and version_id is not null
       union all select 'run', id from runs where phase = 'Queued'
       union all select 'run', id from runs where phase = 'Running'
       order by 1, 2
     ) live`,
  );
}

/** Marks pipelines by name; names that no pipeline has are passed over. */
export async function markPipelines(pool: pg.Pool, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await pool.query(
    `select mark_dirty('pipeline', id) from (select id from pipelines where name = any($1) order by id) p`,
    [names],
  );
}
