import type pg from 'pg';
import type { BackfillRequest } from '../../schemas/generated/types.ts';

export type NewBackfill = {
  readonly pipeline: string;
  readonly pipelineId: number;
  readonly from: Date;
  readonly to: Date;
  readonly rerun: NonNullable<BackfillRequest['rerun']>;
  readonly order: NonNullable<BackfillRequest['order']>;
  readonly maxActiveRuns: number | null;
  readonly priority: number;
  readonly version: NonNullable<BackfillRequest['version']>;
  readonly variables: Record<string, unknown>;
  readonly requestId: number;
  readonly actor: string;
};

export type BackfillWindow = {
  readonly calendarId: number;
  readonly start: Date;
  readonly end: Date;
  readonly label: string;
  readonly dueAt: Date;
};

/** Makes a backfill of these windows, in their order, and returns its name: `<pipeline>-b<id>`. */
export async function createBackfill(
  db: pg.ClientBase,
  backfill: NewBackfill,
  windows: readonly BackfillWindow[],
): Promise<string> {
  const { rows } = await db.query(
    `with made as (
       insert into backfills (name, pipeline_id, from_at, to_at, rerun, ordering, max_active_runs, priority, version, variables, request_id, actor)
       values ($1 || '-b' || currval(pg_get_serial_sequence('backfills', 'id')), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
       returning id, name
     ), placed as (
       insert into backfill_windows (backfill_id, position, calendar_id, start_at, end_at, label, due_at)
       select made.id, w.position, "calendarId", start, "end", label, "dueAt"
       from made, rows from (jsonb_to_recordset($13) as ("calendarId" bigint, start timestamptz, "end" timestamptz, label text, "dueAt" timestamptz))
         with ordinality as w("calendarId", start, "end", label, "dueAt", position)
     )
     select name from made`,
    [
      backfill.pipeline,
      backfill.pipelineId,
      backfill.from,
      backfill.to,
      backfill.rerun,
      backfill.order,
      backfill.maxActiveRuns,
      backfill.priority,
      backfill.version,
      JSON.stringify(backfill.variables),
      backfill.requestId,
      backfill.actor,
      JSON.stringify(windows),
    ],
  );
  return rows[0].name;
}

export type BackfillHead = { readonly id: number; readonly name: string; readonly phase: string };

export async function lockBackfill(db: pg.ClientBase, name: string): Promise<BackfillHead | null> {
  const { rows } = await db.query('select id, name, phase from backfills where name = $1 for update', [name]);
  return rows[0] ?? null;
}

export type BackfillChange = {
  readonly suspended?: boolean | undefined;
  readonly maxActiveRuns?: number | undefined;
  readonly priority?: number | undefined;
};

/** Changes a running backfill. A new priority holds for the runs that it has queued already, too. */
export async function changeBackfill(db: pg.ClientBase, id: number, change: BackfillChange): Promise<void> {
  await db.query(
    `update backfills set suspended = coalesce($2, suspended), max_active_runs = coalesce($3, max_active_runs),
       priority = coalesce($4, priority) where id = $1`,
    [id, change.suspended ?? null, change.maxActiveRuns ?? null, change.priority ?? null],
  );
  if (change.priority !== undefined)
    await db.query(`update runs set priority = $2 where backfill_id = $1 and phase = 'Queued'`, [id, change.priority]);
}

/**
 * Ends a backfill: what has no run gets none, and its queued runs are cancelled, but for those that another backfill waits for.
 * Running ones go on.
 */
export async function cancelBackfill(db: pg.ClientBase, id: number): Promise<void> {
  await db.query(`update backfills set phase = 'Cancelled', finished_at = now() where id = $1`, [id]);
  await db.query(
    `update backfill_windows set phase = 'Cancelled' where backfill_id = $1 and run_id is null and phase is null`,
    [id],
  );
  await db.query(
    `update runs r set cancel_requested_at = now(), cancel_reason = 'CancelledByRequest', news = true
     where r.backfill_id = $1 and r.phase = 'Queued' and r.cancel_requested_at is null
       and not exists (select from backfill_windows w where w.run_id = r.id and w.phase is null and w.backfill_id <> $1)`,
    [id],
  );
}

/** The windows of a backfill that did not succeed get another turn; returns how many. */
export async function retryFailed(db: pg.ClientBase, id: number): Promise<number> {
  const { rowCount } = await db.query(
    `update backfill_windows set run_id = null, phase = null, forced = true
     where backfill_id = $1 and phase in ('Failed', 'Cancelled')`,
    [id],
  );
  if (!rowCount) return 0;
  await db.query(`update backfills set phase = 'Running', suspended = false, finished_at = null where id = $1`, [id]);
  return rowCount;
}
