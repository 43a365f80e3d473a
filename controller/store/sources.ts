import type pg from 'pg';

export type DeclaredSource = {
  readonly name: string;
  readonly kind: 'folder' | 'git';
  readonly location: string;
  readonly ref: string | null;
  readonly path: string;
  readonly environment: string | null;
  readonly suspended: boolean;
  readonly prune: 'finish' | 'cancel';
};

export type RemovedSource = { readonly id: number; readonly name: string; readonly prune: 'finish' | 'cancel' };

const columns = 'name, kind, location, ref, path, environment, suspended, prune';

/**
 * Writes what is declared; rows that say the same stay untouched. With `complete`, sources that are not among them are marked as
 * removed: returned are those that were not before.
 */
export async function declareSources(
  db: pg.ClientBase,
  declared: readonly DeclaredSource[],
  complete: boolean,
): Promise<RemovedSource[]> {
  await db.query(
    `insert into sources as s (${columns})
     select ${columns} from jsonb_to_recordset($1) as d(
       name text, kind text, location text, ref text, path text, environment text, suspended boolean, prune text)
     on conflict (name) do update set kind = excluded.kind, location = excluded.location, ref = excluded.ref, path = excluded.path,
       environment = excluded.environment, suspended = excluded.suspended, prune = excluded.prune, removed_at = null,
       declared_at = now(), failure = null, failed_at = null
     where (s.kind, s.location, s.ref, s.path, s.environment, s.suspended, s.prune, s.removed_at) is distinct from
       (excluded.kind, excluded.location, excluded.ref, excluded.path, excluded.environment, excluded.suspended, excluded.prune, null)`,
    [JSON.stringify(declared)],
  );
  if (!complete) return [];
  const { rows } = await db.query(
    `update sources set removed_at = now(), failure = null, failed_at = null
     where removed_at is null and name <> all($1) returning id, name, prune`,
    [declared.map(({ name }) => name)],
  );
  return rows;
}

/** Notes what was read just now, which also ends what failed before. Returns the revision's id. */
export async function recordRevision(
  db: pg.ClientBase,
  sourceId: number,
  read: { readonly revision: string; readonly author: string | null },
): Promise<number> {
  const { rows } = await db.query(
    `insert into revisions (source_id, name, author) values ($1, $2, $3)
     on conflict (source_id, name) do update set author = excluded.author returning id`,
    [sourceId, read.revision, read.author],
  );
  await db.query(
    'update sources set revision_id = $2, synced_at = now(), failure = null, failed_at = null where id = $1',
    [sourceId, rows[0].id],
  );
  return rows[0].id;
}

/** Notes why a source cannot be read. `failed_at` stays that of the first failure in a row. */
export async function recordFailure(db: pg.ClientBase, name: string, failure: string): Promise<void> {
  await db.query(
    `update sources set failure = $2, failed_at = coalesce(failed_at, now())
     where name = $1 and failure is distinct from $2`,
    [name, failure],
  );
}
