import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { liveAmong, type Retention } from './store/retention.ts';

/** How many folders are looked at before others get a turn. */
const batch = 1_000;

/**
 * Removes from a home what attempts have left and what tasks handed to each other, once it is older than logs are kept: folders
 * of `attempts` and `artifacts`, named by their run. What still goes on stays, however old it is.
 */
export function createFolderSweep({ home, pool }: { home: string; pool: pg.Pool }) {
  return async ({ logsMs }: Pick<Retention, 'logsMs'>): Promise<void> => {
    const { rows } = await pool.query(`select time_id(now() - $1 * interval '1 ms') as "before"`, [logsMs]);
    for (const folder of ['attempts', 'artifacts']) await sweep(join(home, folder), rows[0].before, pool);
  };
}

async function sweep(folder: string, before: number, pool: pg.Pool): Promise<void> {
  const old = (await readdir(folder)).filter((name) => runOf(name) < before);
  for (let at = 0; at < old.length; at += batch) {
    const names = old.slice(at, at + batch);
    const live = await liveAmong(pool, names.map(runOf));
    for (const name of names.filter((each) => !live.has(runOf(each))))
      await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** `<run id>` or `<run id>.<task>.<attempt>`; what is named otherwise is nobody's run, and none is that late. */
function runOf(name: string): number {
  const id = /^(\d{1,16})(\.|$)/.exec(name)?.[1];
  return id === undefined ? Number.POSITIVE_INFINITY : Number(id);
}
