import type pg from 'pg';
import type { CompiledPool } from '../../schemas/generated/types.ts';

export type PoolChange = { readonly name: string; readonly slots: number | null };

/**
 * Writes the pools of a source; `kept` are names that stay as they are, `null` all of them. A pool that is gone is retired and not removed: what
 * came before and names it goes on under its last slots. Returns those that are new, have other slots, or are gone (null).
 */
export async function savePools(
  db: pg.ClientBase,
  sourceId: number,
  pools: readonly CompiledPool[],
  kept: readonly string[] | null,
): Promise<PoolChange[]> {
  const { rows } = await db.query<PoolChange>(
    `with given as (
       select * from jsonb_to_recordset($2) as g(name text, slots int, description text)
     ), changed as (
       select g.* from given g left join pools p on p.source_id = $1 and p.name = g.name
       where p.id is null or p.slots <> g.slots or p.retired_at is not null
     ), saved as (
       insert into pools (source_id, name, slots, description) select $1, name, slots, description from given
       on conflict (source_id, name) do update set slots = excluded.slots, description = excluded.description, retired_at = null
       where (pools.slots, pools.description, pools.retired_at is null) is distinct from (excluded.slots, excluded.description, true)
     ), gone as (
       update pools set retired_at = now()
       where source_id = $1 and retired_at is null and name not in (select name from given)
         and $3::text[] is not null and name <> all($3)
       returning name
     )
     select name, slots from changed union all select name, null from gone order by name`,
    [sourceId, JSON.stringify(pools), kept],
  );
  return rows;
}
