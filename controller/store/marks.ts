import type pg from 'pg';

export type MarkedWindow = {
  readonly calendarId: number;
  readonly start: Date;
  readonly end: Date;
  readonly label: string;
  readonly dueAt: Date;
};

const keys = `jsonb_to_recordset($2) as k("calendarId" bigint, start timestamptz, "end" timestamptz, label text, "dueAt" timestamptz)`;

/** Locks windows of a pipeline, made (as `Missing`) where the ledger has none. Returns the live runs among them: they may not be marked. */
export async function lockToMark(
  db: pg.ClientBase,
  pipelineId: number,
  windows: readonly MarkedWindow[],
): Promise<{ label: string; run: string }[]> {
  const values = [pipelineId, JSON.stringify(windows)];
  await db.query(
    `insert into windows (pipeline_id, calendar_id, start_at, end_at, label, due_at, phase)
     select $1::int, "calendarId", start, "end", label, "dueAt", 'Missing' from ${keys} order by 1, 2, 3 on conflict do nothing`,
    values,
  );
  const { rows } = await db.query(
    `select w.label, w.live_run_id as live from ${keys} join windows w on w.pipeline_id = $1 and w.calendar_id = k."calendarId" and w.start_at = k.start
     order by w.calendar_id, w.start_at for update of w`,
    values,
  );
  const live = rows.filter((row) => row.live !== null);
  const names = await db.query('select id, name from runs where id = any($1)', [live.map((row) => row.live)]);
  const byId = new Map(names.rows.map((row) => [row.id, row.name]));
  return live.map((row) => ({ label: row.label, run: byId.get(row.live) ?? '' }));
}

/**
 * Marks windows that the caller has locked and found without live run. Their runs stay as they are. Nothing is stale of what a person
 * vouches for, so the version that made it is forgotten.
 */
export async function markWindows(
  db: pg.ClientBase,
  pipelineId: number,
  windows: readonly MarkedWindow[],
  mark: { readonly as: 'Succeeded' | 'Skipped'; readonly by: string; readonly note: string },
): Promise<void> {
  await db.query(
    `update windows w set phase = $3, reason = 'MarkedByHand', mark = jsonb_build_object('by', $4::text, 'at', now(), 'note', $5::text), made_by = null
     from ${keys} where w.pipeline_id = $1 and w.calendar_id = k."calendarId" and w.start_at = k.start and w.live_run_id is null`,
    [pipelineId, JSON.stringify(windows), mark.as, mark.by, mark.note],
  );
}
