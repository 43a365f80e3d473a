-- Lateness, staleness and marks of windows; limits of catch-up; schedules that fail.

-- Its deadline, when it had not ended well by then. It stays when a run succeeds after all.
alter table windows add column late_at timestamptz;
-- The version of its last run that succeeded: whose data lies at the target. Null: none so far, or a person says that it is there.
alter table windows add column made_by bigint;
-- Who marked it by hand, when and why: { by, at, note }. True as long as its reason is MarkedByHand.
alter table windows add column mark jsonb;
update windows w set made_by = r.version_id from runs r where r.id = w.last_run_id and w.phase = 'Succeeded';

-- What was due before a sync first brought its pipeline cannot be late.
update windows w set deadline_at = null from pipelines p where p.id = w.pipeline_id and w.due_at < p.created_at;

create index windows_deadline on windows (deadline_at)
  where late_at is null and deadline_at is not null and phase not in ('Succeeded', 'Skipped');
create index windows_late on windows (pipeline_id, start_at) where late_at is not null and phase not in ('Succeeded', 'Skipped');
-- Missed windows that wait for their turn. They are rows already, so a changed schedule does not cut them anew.
create index windows_awaiting on windows (pipeline_id, start_at) where phase = 'Missing' and reason = 'AwaitsTurn';
create index windows_live on windows (pipeline_id) where live_run_id is not null;
-- Skipped is well, too, but for want of a place.
create index windows_ended_well on windows (pipeline_id, start_at desc)
  where phase = 'Succeeded' or (phase = 'Skipped' and reason is distinct from 'Busy');

-- Identity of what decides which data a version's runs make; null for versions that were compiled before there was one.
alter table versions add column data_digest text;

-- Set while windows of the pipeline await their turn: none gets it before.
alter table pipelines add column paced_until timestamptz;
create index pipelines_paced on pipelines (paced_until) where paced_until is not null;
-- Its windows could not be computed. It is left alone for a while, so that the others go on.
alter table pipelines add column schedule_failed_at timestamptz;
alter table pipelines add column schedule_failure text;
alter table pipelines add check ((schedule_failed_at is null) = (schedule_failure is null));

drop trigger pipelines_dirty on pipelines;
create trigger pipelines_dirty
  after insert or update of version_id, suspended, retired_at, ready, next_due_at, schedule_failed_at on pipelines
  for each row execute function mark_pipeline();

alter table requests drop constraint requests_kind_check;
alter table requests add constraint requests_kind_check
  check (kind in ('run', 'rerun', 'cancel', 'backfill', 'changeBackfill', 'mark'));

alter table backfills drop constraint backfills_rerun_check;
alter table backfills add constraint backfills_rerun_check check (rerun in ('missing', 'failed', 'stale', 'all'));
