import type pg from 'pg';
import type { Usage } from '../../schemas/generated/types.ts';

/** What an attempt used, and how long it took. */
export type MeasuredAttempt = { readonly task: string; readonly usage: Usage; readonly durationMs: number };

/** So many runs show what a task needs, and what it needed long ago no longer counts. */
const runs = 20;

export async function readUsage(pool: pg.Pool, pipeline: string): Promise<MeasuredAttempt[] | null> {
  const found = await pool.query('select id from pipelines where name = $1', [pipeline]);
  if (found.rows.length === 0) return null;
  const { rows } = await pool.query<MeasuredAttempt>(
    `select a.task, a.report -> 'usage' as usage, (a.report ->> 'durationMs')::float8 as "durationMs"
     from (select id from runs where pipeline_id = $1 order by id desc limit $2) r
       join tasks t on t.run_id = r.id and t.taken_from is null join attempts a on a.run_id = t.run_id and a.task = t.name
     where a.report ? 'usage' order by r.id desc, t.position, a.number desc`,
    [found.rows[0].id, runs],
  );
  return rows;
}
