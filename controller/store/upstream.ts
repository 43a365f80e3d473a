/**
 * What there is of the windows that a wait (`w` of `waits`, of run `r`, for pipeline `u`) is for, as parts of a statement. All of them
 * look only at windows in its stretch, by their ends, however long the history is.
 */

/** What succeeded, and what was skipped because there was nothing to do, is done. What nobody had the time to run is not. */
const isDone = `(d.phase = 'Succeeded' or d.phase = 'Skipped' and d.reason is distinct from 'Busy')`;

/** Windows `d` that end in a stretch, and the first ones that end after it, since one of these begins in it. */
const within = (pipeline: string, from: string, to: string) =>
  `d.pipeline_id = ${pipeline} and d.end_at > ${from} and d.start_at < ${to} and d.end_at <= coalesce((
  select max(e.end_at) from (
    select end_at from windows where pipeline_id = ${pipeline} and end_at >= ${to} order by end_at limit 8
  ) e), ${to})`;

const inReach = within('w.pipeline_id', 'w.from_at', 'w.to_at');

/**
 * Whether something that a window `w` was made of has been made anew since: a window that covers it, of a pipeline that its version `made`
 * waits for. Where that one waited for the window before, nobody knows.
 */
export const isOlderThanUpstream = `(made.waits and exists (
  select from version_tasks t join pipelines u on u.name = t.wait ->> 'pipeline'
    join windows d on ${within('u.id', 'w.start_at', 'w.end_at')}
  where t.version_id = made.id and t.wait ->> 'window' <> 'previous' and d.made_at > w.read_at))`;

/**
 * `c.covered`: the time that is done. What retention has let go of was done; and what lies before the pipeline began is nothing to wait
 * for where only the window before is asked for: else no first window would ever run.
 */
export const covered = `cross join lateral (
  select coalesce(range_agg(span), '{}') as covered from (
    select tstzrange(d.start_at, d.end_at) as span from windows d where ${inReach} and ${isDone}
    union all select tstzrange(null, u.floor_at) where u.floor_at is not null
    union all select tstzrange(null, min(begins_at)) from calendars
      where pipeline_id = w.pipeline_id and w.kind = 'previous' having count(*) > 0
  ) s
) c`;

/** Runs of a backfill also wait until the backfills that it was made with have had their turns there: what is done is of before. */
const hasTurnsToCome = `exists (
  select from backfills own join backfills b on coalesce(b.parent_id, b.id) = coalesce(own.parent_id, own.id) and b.id <> own.id
    join backfill_windows o on o.backfill_id = b.id
  where own.id = r.backfill_id and b.pipeline_id = w.pipeline_id and o.phase is null and o.end_at > w.from_at and o.start_at < w.to_at)`;

/** Whether the wait is over. With `covered`. */
export const isOver = `(not ${hasTurnsToCome} and case
  when w.kind <> 'same' or w.to_at <= u.floor_at then c.covered @> tstzrange(w.from_at, w.to_at)
  else exists (select from windows d where d.pipeline_id = w.pipeline_id and d.start_at = w.from_at and d.end_at = w.to_at and ${isDone}) end)`;

/** Whether one of its windows is about to run, or does. With `openWindows`. */
export const hasMoreToCome = `(o.live or ${hasTurnsToCome})`;

/** `o.windows`: the first of its windows that are not done; `o.failed`: whether one of all of them has ended; `o.live`: whether one has not. */
export const openWindows = `cross join lateral (
  select coalesce(json_agg(json_build_object('label', label, 'phase', phase, 'reason', reason) order by end_at) filter (where place <= 5), '[]') as windows,
    coalesce(bool_or(phase in ('Failed', 'Cancelled')), false) as failed,
    coalesce(bool_or(phase in ('Queued', 'Running')), false) as live
  from (
    select d.label, d.phase, d.reason, d.end_at, row_number() over (order by d.end_at) as place from windows d where ${inReach} and not ${isDone}
  ) d
) o`;
