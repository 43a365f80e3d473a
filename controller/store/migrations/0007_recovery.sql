-- Reruns that take over, and retention.

-- The run that this one runs again. A run without window is known to have been run again by this alone.
alter table runs add column rerun_of bigint;
create index runs_rerun_of on runs (rerun_of) where rerun_of is not null;

-- Where a rerun took a task over: the run that executed it, in whose folder its rows lie. What that run's attempt reported is copied
-- to an attempt of this one, so retention may drop the former.
alter table tasks add column taken_from bigint;

-- Windows that end at or before `floor_at` are no longer kept, which a skipped range with the reason `NotKept` says: neither
-- `schedule` nor a backfill of what is missing cuts them again. It only rises, and never above the cursor. One that is asked for by
-- name is made anew; its runs are numbered on from `floor_run_no`, the highest number below the floor, since targets know these numbers.
alter table pipelines add column floor_at timestamptz;
alter table pipelines add column floor_run_no integer not null default 0;
create index windows_by_end on windows (pipeline_id, end_at);
alter table windows drop constraint windows_check1;
alter table windows add constraint windows_check1 check (last_run_id is null or last_run_no > 0);

-- What did not succeed is rare, and what people look for: beside millions that did, nothing else finds it.
create index runs_unsuccessful on runs (phase, id desc) where phase in ('Failed', 'Cancelled', 'Skipped');
create index runs_unsuccessful_by_pipeline on runs (pipeline_id, phase, id desc) where phase in ('Failed', 'Cancelled', 'Skipped');

create function number_on() returns trigger language plpgsql as $$
begin
  new.last_run_no := coalesce(
    (select floor_run_no from pipelines where id = new.pipeline_id and new.end_at <= floor_at), new.last_run_no);
  return new;
end $$;
create trigger windows_number_on before insert on windows for each row
  when (new.phase = 'Missing' and new.last_run_no = 0) execute function number_on();

-- By its live run a window is found whenever one is admitted or settles.
create index windows_by_live_run on windows (live_run_id) where live_run_id is not null;
