-- Requests to run a range of windows.

create table backfills (
  id bigint generated always as identity primary key,
  name text not null unique,
  pipeline_id integer not null references pipelines,
  -- The range that was asked for, `[from_at, to_at)`.
  from_at timestamptz not null,
  to_at timestamptz not null check (to_at > from_at),
  rerun text not null check (rerun in ('missing', 'failed', 'all')),
  ordering text not null check (ordering in ('oldest', 'newest')),
  -- Null: its runs count among the pipeline's, under the pipeline's limit.
  max_active_runs integer check (max_active_runs > 0),
  priority integer not null,
  version text not null check (version in ('head', 'original')),
  variables jsonb not null default '{}',
  phase text not null default 'Running' check (phase in ('Running', 'Succeeded', 'Failed', 'Cancelled')),
  suspended boolean not null default false,
  request_id bigint,
  actor text not null,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  check ((finished_at is null) = (phase = 'Running'))
);
create index backfills_running on backfills (id) where phase = 'Running';
create index backfills_by_pipeline on backfills (pipeline_id, id desc);

-- Its windows, in the order in which they run. Each is served by one run: one that the backfill had queued, or one that was live
-- when its turn came. They are queued a few at a time, so that what is waiting stays small however long the range is.
create table backfill_windows (
  backfill_id bigint not null references backfills on delete cascade,
  position integer not null,
  calendar_id bigint not null,
  start_at timestamptz not null,
  end_at timestamptz not null,
  label text not null,
  due_at timestamptz not null,
  run_id bigint,
  -- That of its run, once settled; Cancelled also when its turn never came.
  phase text check (phase in ('Succeeded', 'Failed', 'Cancelled', 'Skipped')),
  -- True when a person asked for it again: then what the window has does not count.
  forced boolean not null default false,
  primary key (backfill_id, position)
);
create index backfill_windows_open on backfill_windows (backfill_id, position) where phase is null;
create index backfill_windows_by_run on backfill_windows (run_id) where phase is null;

alter table runs add column backfill_id bigint;
-- True: the version it was queued with stays its version.
alter table runs add column keeps_version boolean not null default false;
alter table runs drop constraint runs_trigger_check;
alter table runs add constraint runs_trigger_check check (trigger in ('schedule', 'manual', 'rerun', 'backfill'));
create index runs_of_backfill on runs (backfill_id) where backfill_id is not null and phase in ('Queued', 'Running');

alter table requests drop constraint requests_kind_check;
alter table requests add constraint requests_kind_check
  check (kind in ('run', 'rerun', 'cancel', 'backfill', 'changeBackfill'));

-- An older controller would settle runs and not tell the backfills that wait for them.
update ledger set minimum_binary = 4;
