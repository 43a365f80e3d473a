import type pg from 'pg';

/**
 * Marks windows that have not ended well by their deadline, whether or not they have a run, with an audit row each. Returns their
 * names, at most `limit`. What somebody holds is left to the next pass.
 */
export function markLate(db: pg.ClientBase, limit: number): Promise<string[]> {
  return mark(db, 'order by deadline_at limit $1 for update skip locked', limit);
}

/** The same of windows whose runs are about to succeed: nobody may have looked since their deadline. */
export async function markLateOf(db: pg.ClientBase, runIds: readonly number[]): Promise<void> {
  if (runIds.length > 0) await mark(db, 'and live_run_id = any($1) order by start_at for update', runIds);
}

async function mark(db: pg.ClientBase, which: string, value: number | readonly number[]): Promise<string[]> {
  const { rows } = await db.query(
    `with late as (
       select pipeline_id, calendar_id, start_at from windows
       where late_at is null and deadline_at is not null and deadline_at <= now() and phase not in ('Succeeded', 'Skipped')
       ${which}
     ), marked as (
       update windows w set late_at = w.deadline_at from late l
       where w.pipeline_id = l.pipeline_id and w.calendar_id = l.calendar_id and w.start_at = l.start_at
       returning w.pipeline_id, w.label, w.deadline_at, w.phase
     ), named as (
       select p.name || '-' || m.label as name, m.deadline_at, m.phase from marked m join pipelines p on p.id = m.pipeline_id
     ), told as (
       insert into audit (actor, verb, subject_kind, subject, reason, details)
       select 'schedule', 'late', 'window', name, 'DeadlineMissed', jsonb_build_object('deadline', deadline_at, 'phase', phase) from named
     ), shown as (
       select mark_dirty('pipeline', pipeline_id, 'soon') from (select distinct pipeline_id from marked order by 1) m where publishes()
     )
     select name, (select count(*) from shown) from named`,
    [value],
  );
  return rows.map((row) => row.name);
}
