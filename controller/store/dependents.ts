import type pg from 'pg';

/** How far dependents are followed; more than that only in a circle, which two versions of different commits could still close. */
const deepest = 100;

/** The pipelines whose versions wait for this one, directly or through others; whoever waits comes after what it waits for. */
export async function readDependents(db: pg.Pool | pg.ClientBase, pipeline: string): Promise<string[]> {
  const { rows } = await db.query(
    `with recursive waiting as materialized (
       select p.name, t.wait ->> 'pipeline' as upstream
       from pipelines p join versions v on v.id = p.version_id and v.waits join version_tasks t on t.version_id = v.id
       where p.retired_at is null and t.wait is not null
     ), found(name, depth) as (
       select name, 1 from waiting where upstream = $1
       union select w.name, f.depth + 1 from waiting w join found f on w.upstream = f.name where f.depth < $2
     )
     select name from found where name <> $1 group by name order by max(depth), name`,
    [pipeline, deepest],
  );
  return rows.map((row) => row.name);
}
