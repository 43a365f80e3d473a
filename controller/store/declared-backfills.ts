import type pg from 'pg';
import type { BackfillRequest } from '../../schemas/generated/types.ts';
import type { BackfillSettings } from './backfills.ts';

/** What a manifest declares. `digest`: of what it runs; `settings` may change while it runs. */
export type DeclaredBackfill = {
  readonly name: string;
  readonly digest: string;
  readonly settings: BackfillSettings;
};

export type DeclaredRow = DeclaredBackfill & { readonly requestId: number; readonly removed: boolean };

/** The answer to a request whose manifest was taken out before anybody looked at it. */
const removed = 'removed';

/** What a source declares, as the last sync left it, and what it once declared under these names. */
export async function readDeclared(
  db: pg.ClientBase,
  sourceId: number,
  names: readonly string[],
): Promise<DeclaredRow[]> {
  const { rows } = await db.query(
    `select name, digest, settings, request_id as "requestId", removed_at is not null as removed
     from declared_backfills where source_id = $1 and (removed_at is null or name = any($2))`,
    [sourceId, names],
  );
  return rows;
}

/** Asks for what is declared for the first time: `intake` makes the backfills. In the sync's transaction, so once. */
export async function declareBackfills(
  db: pg.ClientBase,
  sourceId: number,
  declared: readonly (DeclaredBackfill & { readonly request: BackfillRequest })[],
): Promise<void> {
  if (declared.length === 0) return;
  await db.query(
    `with new as materialized (
       select d.*, nextval(pg_get_serial_sequence('requests', 'id')) as id
       from jsonb_to_recordset($2) as d(name text, digest text, settings jsonb, request jsonb)
     ), asked as (
       insert into requests (id, kind, body, actor) overriding system value select id, 'backfill', request, 'sync' from new order by id
     )
     insert into declared_backfills (source_id, name, digest, settings, request_id) select $1, name, digest, settings, id from new`,
    [sourceId, JSON.stringify(declared)],
  );
}

/** Notes what is declared with other settings, or again. Returns the names of their backfills that still run. */
export async function redeclareBackfills(
  db: pg.ClientBase,
  changed: readonly (Pick<DeclaredRow, 'settings' | 'requestId'> & { readonly request: BackfillRequest })[],
): Promise<{ requestId: number; name: string }[]> {
  if (changed.length === 0) return [];
  const rows = JSON.stringify(changed);
  await db.query(
    `update declared_backfills d set settings = c.settings, removed_at = null
     from jsonb_to_recordset($1) as c("requestId" bigint, settings jsonb) where d.request_id = c."requestId"`,
    [rows],
  );
  await db.query(
    `update requests r set body = c.request, handled_at = null, result = null
     from jsonb_to_recordset($1) as c("requestId" bigint, request jsonb)
     where r.id = c."requestId" and (r.handled_at is null or r.result ->> 'code' = '${removed}')`,
    [rows],
  );
  return live(db, changed);
}

/** Notes what is declared no more. Returns the names of their backfills that still run; what was not yet made never will be. */
export async function removeDeclared(
  db: pg.ClientBase,
  gone: readonly Pick<DeclaredRow, 'requestId'>[],
): Promise<{ requestId: number; name: string }[]> {
  if (gone.length === 0) return [];
  const ids = gone.map(({ requestId }) => requestId);
  await db.query('update declared_backfills set removed_at = now() where request_id = any($1)', [ids]);
  await db.query('update requests set handled_at = now(), result = $2 where id = any($1) and handled_at is null', [
    ids,
    JSON.stringify({ code: removed, error: 'the manifest of the backfill was taken out before it began' }),
  ]);
  return live(db, gone);
}

async function live(db: pg.ClientBase, declared: readonly Pick<DeclaredRow, 'requestId'>[]) {
  const { rows } = await db.query<{ requestId: number; name: string }>(
    `select request_id as "requestId", name from backfills where phase = 'Running' and parent_id is null and request_id = any($1) order by id`,
    [declared.map(({ requestId }) => requestId)],
  );
  return rows;
}

/** Whether a request is that of a manifest. */
export async function isDeclared(db: pg.ClientBase, requestId: number): Promise<boolean> {
  const { rowCount } = await db.query('select from declared_backfills where request_id = $1', [requestId]);
  return rowCount === 1;
}
