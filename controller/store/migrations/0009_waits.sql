-- Runs that wait for windows of other pipelines.

-- Of the task of a `wait` block: { pipeline, window, timeoutMs }.
alter table version_tasks add column wait jsonb;
-- Whether a version has such tasks.
alter table versions add column waits boolean not null default false;
create index versions_that_wait on versions (pipeline_id) where waits;

-- The version whose waits are over for this run. A run of a version that waits is admitted only where it is that one.
alter table runs add column cleared_version_id bigint;

-- What queued runs wait for: that windows of a pipeline cover `[from_at, to_at)`. They go when all waits of the run are over, or the
-- run has ended. No key to pipelines, so that nobody waits for those who hold one of theirs.
create table waits (
  run_id bigint not null,
  block text not null,
  -- The version of the run that waits so: another one may wait for something else.
  version_id bigint not null,
  pipeline_id integer not null,
  from_at timestamptz not null,
  to_at timestamptz not null check (to_at > from_at),
  -- `covering`, `same` or `previous`.
  kind text not null,
  give_up_at timestamptz not null,
  -- True until somebody has looked at it since something changed that it waits for.
  woken boolean not null default true,
  primary key (run_id, block)
);
create index waits_by_pipeline on waits (pipeline_id, to_at);
create index waits_woken on waits (run_id) where woken;
create index waits_by_end on waits (give_up_at);

-- Also what is awake already is written again: its reader may be about to say that it has been looked at.
create function wake_waits() returns trigger language plpgsql as $$
begin
  update waits set woken = true where pipeline_id = new.pipeline_id and to_at > new.start_at and from_at < new.end_at;
  return null;
end $$;
create trigger windows_done after insert or update of phase on windows
  for each row when (new.phase in ('Succeeded', 'Skipped')) execute function wake_waits();

-- Since when its data is there, and when the run began that made it: what changed upstream after that is not in it.
alter table windows add column made_at timestamptz;
alter table windows add column read_at timestamptz;
update windows w set made_at = r.finished_at, read_at = r.admitted_at from runs r where r.id = w.last_run_id and w.phase = 'Succeeded';

-- The backfill that it was made with: it runs the same range of a pipeline that waits for that one's.
alter table backfills add column parent_id bigint references backfills;
create index backfills_by_parent on backfills (parent_id) where parent_id is not null;
create index backfill_windows_to_run on backfill_windows (backfill_id, end_at, start_at) where phase is null;

-- A window that had its turn without a run of its own wakes whoever waits for that turn.
create function wake_waits_for_turns() returns trigger language plpgsql as $$
begin
  update waits w set woken = true
  from changed c join backfills b on b.id = c.backfill_id
  where c.phase is not null and w.pipeline_id = b.pipeline_id and w.to_at > c.start_at and w.from_at < c.end_at
    and exists (select from backfills k where k.parent_id = coalesce(b.parent_id, b.id));
  return null;
end $$;
create trigger backfill_windows_waits after update on backfill_windows
  referencing new table as changed for each statement execute function wake_waits_for_turns();
