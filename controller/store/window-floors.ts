import type pg from 'pg';

/**
 * Raises the floors of pipelines to `windowsMs` ago, but never above the cursor or above a window whose run is still kept. What lies below
 * is one skipped range per pipeline, so that nobody takes it for missing. Returns how many floors rose.
 */
export async function raiseFloors(db: pg.ClientBase, windowsMs: number): Promise<number> {
  const { rows } = await db.query(
    `with wanted as (
       select p.id, coalesce(p.floor_at, '-infinity') as before, least(now() - $1 * interval '1 ms', p.cursor_at, (
         select w.start_at from windows w
         where w.pipeline_id = p.id and (w.live_run_id is not null or exists (select from runs r where r.id = w.last_run_id))
         order by w.start_at limit 1)) as floor
       from pipelines p
     ), below as (
       select f.id, f.floor, w.* from wanted f cross join lateral (
         select count(*) as windows, min(start_at) as from_at, max(end_at) as to_at, max(calendar_id) as calendar_id
         from windows where pipeline_id = f.id and end_at <= f.floor and end_at > f.before
       ) w where w.windows > 0
     ), raised as (
       update pipelines p set floor_at = b.to_at from below b
       where p.id = b.id returning p.id
     ), widened as (
       update skipped_ranges s set end_at = b.to_at, windows = s.windows + b.windows from below b join raised using (id)
       where s.pipeline_id = b.id and s.reason = 'NotKept' returning s.pipeline_id
     )
     insert into skipped_ranges (pipeline_id, calendar_id, start_at, end_at, windows, reason)
     select b.id, b.calendar_id, b.from_at, b.to_at, b.windows, 'NotKept' from below b join raised using (id)
     where b.id not in (select pipeline_id from widened) returning id`,
    [windowsMs],
  );
  return rows.length;
}

/** Deletes windows below their pipeline's floor, at most `limit`, and returns how many they were. */
export async function deleteWindows(db: pg.ClientBase, limit: number): Promise<number> {
  const { rows } = await db.query(
    `with gone as (
       delete from windows d using (
         select w.pipeline_id, w.calendar_id, w.start_at from pipelines p cross join lateral (
           select * from windows where pipeline_id = p.id and end_at <= p.floor_at and live_run_id is null order by end_at limit $1
         ) w where p.floor_at is not null and not exists (select from runs r where r.id = w.last_run_id) limit $1
       ) w where d.pipeline_id = w.pipeline_id and d.calendar_id = w.calendar_id and d.start_at = w.start_at
       returning d.pipeline_id, d.last_run_no
     ), numbered as (
       update pipelines p set floor_run_no = greatest(p.floor_run_no, g.run_no)
       from (select pipeline_id, max(last_run_no) as run_no from gone group by 1) g where p.id = g.pipeline_id
     )
     select count(*) as gone from gone`,
    [limit],
  );
  return Number(rows[0].gone);
}
