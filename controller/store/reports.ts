import type pg from 'pg';
import type { TaskReport } from '../../schemas/generated/types.ts';
import { toJsonb } from './json.ts';

export type AttemptKey = { readonly runId: number; readonly task: string; readonly number: number };

/** The store's identity, and the key that report tokens are made with. */
export async function readLedger(pool: pg.Pool): Promise<{ id: string; reportKey: Buffer }> {
  const { rows } = await pool.query('select id, report_key as "reportKey" from ledger');
  return rows[0];
}

/** Keeps the first report of a live attempt. `saved` also when the same one comes again: its answer may have been lost. */
export async function saveReport(
  pool: pg.Pool,
  { runId, task, number }: AttemptKey,
  report: TaskReport,
): Promise<'saved' | 'settled' | 'unknown'> {
  const key = [runId, task, number, toJsonb(report)];
  const { rowCount } = await pool.query(
    `update attempts set report = $4 where run_id = $1 and task = $2 and number = $3
       and phase in ('Claimed', 'Running') and report is null`,
    key,
  );
  if (rowCount === 1) return 'saved';
  const { rows } = await pool.query(
    'select report = $4::jsonb as same from attempts where run_id = $1 and task = $2 and number = $3',
    key,
  );
  if (rows.length === 0) return 'unknown';
  return rows[0].same === true ? 'saved' : 'settled';
}

/** Reports of live attempts that have one. */
export async function readReports(
  pool: pg.Pool,
  keys: readonly AttemptKey[],
): Promise<(AttemptKey & { report: TaskReport })[]> {
  if (keys.length === 0) return [];
  const { rows } = await pool.query(
    `select a.run_id as "runId", a.task, a.number, a.report
     from jsonb_to_recordset($1) as k("runId" bigint, task text, number int)
       join attempts a on a.run_id = k."runId" and a.task = k.task and a.number = k.number
     where a.report is not null`,
    [JSON.stringify(keys)],
  );
  return rows;
}
