import type pg from 'pg';
import type { BackfillRequest, Reason } from '../../schemas/generated/types.ts';

export type NewBackfill = {
  /** Null: `<pipeline>-b<id>`. */
  readonly name: string | null;
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
  readonly suspended: boolean;
  readonly requestId: number;
  readonly actor: string;
  /** The backfill that it is made with, whose pipeline its own waits for. */
  readonly parent?: string;
};

export type BackfillWindow = {
  readonly calendarId: number;
  readonly start: Date;
  readonly end: Date;
  readonly label: string;
  readonly dueAt: Date;
};

/** Makes a backfill of these windows, in their order, and returns its name: a number ends it where the wanted one is taken. */
export async function createBackfill(
  db: pg.ClientBase,
  backfill: NewBackfill,
  windows: readonly BackfillWindow[],
): Promise<string> {
  const { id, name } = await freeName(db, backfill);
  await db.query(
    `insert into backfills (id, name, pipeline_id, from_at, to_at, rerun, ordering, max_active_runs, priority, version, variables, suspended,
       request_id, origin, actor, parent_id)
     overriding system value
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 
       case when $15::text is null then (select origin from requests where id = $13) end, $14, (select id from backfills where name = $15))`,
    [
      id,
      name,
      backfill.pipelineId,
      backfill.from,
      backfill.to,
      backfill.rerun,
      backfill.order,
      backfill.maxActiveRuns,
      backfill.priority,
      backfill.version,
      JSON.stringify(backfill.variables),
      backfill.suspended,
      backfill.requestId,
      backfill.actor,
      backfill.parent ?? null,
    ],
  );
  await db.query(
    `insert into backfill_windows (backfill_id, position, calendar_id, start_at, end_at, label, due_at)
     select $1, w.position, "calendarId", start, "end", label, "dueAt"
     from rows from (jsonb_to_recordset($2) as ("calendarId" bigint, start timestamptz, "end" timestamptz, label text, "dueAt" timestamptz))
       with ordinality as w("calendarId", start, "end", label, "dueAt", position)`,
    [id, JSON.stringify(windows)],
  );
  return name;
}

/** The lock makes two that want the same name take turns. */
async function freeName(
  db: pg.ClientBase,
  { name, pipeline }: Pick<NewBackfill, 'name' | 'pipeline'>,
): Promise<{ id: number; name: string }> {
  await db.query(`select pg_advisory_xact_lock(hashtext('pipewright.backfill-name'))`);
  const { rows } = await db.query(
    `with new as materialized (select nextval(pg_get_serial_sequence('backfills', 'id')) as id), wanted as (
       select id, coalesce($1::text, $2 || '-b' || id) as name from new
     )
     select w.id, c.name from wanted w cross join lateral (
       select case when n = 1 then w.name else w.name || '-' || n end as name, n
       from generate_series(1, 2 + (select count(*) from backfills b where starts_with(b.name, w.name))) n
     ) c where not exists (select from backfills b where b.name = c.name) order by n limit 1`,
    [name, pipeline],
  );
  return rows[0];
}

/** `maxActiveRuns: null`: none of its own. */
export type BackfillSettings = {
  readonly maxActiveRuns: number | null;
  readonly priority: number;
  readonly suspended: boolean;
};
export type BackfillHead = BackfillSettings & { readonly id: number; readonly name: string; readonly phase: string };

export async function lockBackfill(db: pg.ClientBase, name: string): Promise<BackfillHead | null> {
  const { rows } = await db.query(
    `select id, name, phase, max_active_runs as "maxActiveRuns", priority, suspended from backfills where name = $1 for update`,
    [name],
  );
  return rows[0] ?? null;
}

/** Changes a running backfill. A new priority holds for the runs that it has queued already, too. */
export async function changeBackfill(
  db: pg.ClientBase,
  id: number,
  change: { readonly [Name in keyof BackfillSettings]?: BackfillSettings[Name] | undefined },
): Promise<void> {
  await db.query(
    `update backfills set suspended = coalesce($2, suspended), priority = coalesce($3, priority),
       max_active_runs = case when $5 then $4 else max_active_runs end where id = $1`,
    [
      id,
      change.suspended ?? null,
      change.priority ?? null,
      change.maxActiveRuns ?? null,
      change.maxActiveRuns !== undefined,
    ],
  );
  if (change.priority !== undefined)
    await db.query(
      `update runs r set priority = v.priority + $2 from pipelines p join versions v on v.id = p.version_id
       where r.backfill_id = $1 and r.phase = 'Queued' and p.id = r.pipeline_id`,
      [id, change.priority],
    );
}

/**
 * Ends a backfill and those that were made with it: what has no run gets none, and queued runs are cancelled, but for those that another
 * backfill waits for. Running ones go on.
 */
export async function cancelBackfill(
  db: pg.ClientBase,
  id: number,
  reason: Extract<Reason, 'CancelledByRequest' | 'BackfillRemoved'>,
): Promise<void> {
  await db.query(`update backfills set phase = 'Cancelled', reason = $2, finished_at = now() where id = $1`, [
    id,
    reason,
  ]);
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
  for (const child of await lockDependents(db, id)) if (child.isRunning) await cancelBackfill(db, child.id, reason);
}

/** One that is kept only for its refusal, so that who asked can see it. */
export async function refuseBackfill(db: pg.ClientBase, name: string, message: string): Promise<void> {
  await db.query(
    `update backfills set phase = 'Failed', reason = $3, message = $2, finished_at = now() where name = $1`,
    [name, message, 'BackfillRefused' satisfies Reason],
  );
}

/** The backfills that were made with one, for pipelines that wait for its own. */
async function lockDependents(db: pg.ClientBase, id: number): Promise<{ id: number; isRunning: boolean }[]> {
  const { rows } = await db.query(
    `select id, phase = 'Running' as "isRunning" from backfills where parent_id = $1 order by id for update`,
    [id],
  );
  return rows;
}

/** The windows of a backfill, and of those made with it, that did not succeed get another turn; returns how many. */
export async function retryFailed(db: pg.ClientBase, id: number): Promise<number> {
  let retried = await retryOwn(db, id);
  for (const child of await lockDependents(db, id)) retried += await retryOwn(db, child.id);
  return retried;
}

async function retryOwn(db: pg.ClientBase, id: number): Promise<number> {
  const { rowCount } = await db.query(
    `update backfill_windows set run_id = null, phase = null, ended_at = null, forced = true
     where backfill_id = $1 and phase in ('Failed', 'Cancelled')`,
    [id],
  );
  if (!rowCount) return 0;
  await db.query(
    `update backfills set phase = 'Running', reason = null, message = null, suspended = false, started_at = now(), finished_at = null
     where id = $1`,
    [id],
  );
  return rowCount;
}
