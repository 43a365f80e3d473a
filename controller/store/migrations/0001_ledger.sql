-- The whole shape of the ledger. Migrations are numbered, plain SQL, and never edited after a release.

-- One row. The id is made once and is part of the fence's key at every target. A binary that knows fewer migrations than
-- `minimum_binary` must not touch the store: it would break what newer ones rely on.
create table ledger (
  singleton boolean primary key default true check (singleton),
  id uuid not null default gen_random_uuid(),
  minimum_binary integer not null,
  created_at timestamptz not null default now()
);
insert into ledger (minimum_binary) values (1);

-- Ids carry their time: whole seconds since 1970 in the upper bits, 21 bits of a sequence below. So the partitions of runs,
-- tasks and attempts are months, the id alone is unique and finds its partition, and it fits a double exactly (until 2106).
create sequence run_sequence as bigint;
create function time_id(at timestamptz) returns bigint language sql immutable parallel safe
  as $$ select floor(extract(epoch from at))::bigint << 21 $$;
create function new_run_id() returns bigint language sql volatile
  as $$ select time_id(clock_timestamp()) | (nextval('run_sequence') & 2097151) $$;

create table sources (
  id integer generated always as identity primary key,
  name text not null unique,
  kind text not null check (kind in ('folder', 'git')),
  location text not null,
  revision_id bigint,
  synced_at timestamptz
);

create table revisions (
  id bigint generated always as identity primary key,
  source_id integer not null references sources,
  -- The commit, or for a folder the digest of its content.
  name text not null,
  created_at timestamptz not null default now(),
  unique (source_id, name)
);
alter table sources add foreign key (revision_id) references revisions;

create table problems (
  source_id integer not null references sources,
  position integer not null,
  pipeline text,
  file text not null,
  line integer not null,
  "column" integer not null,
  code text not null,
  message text not null,
  frame text,
  primary key (source_id, position)
);

create table bundles (
  digest text primary key,
  content bytea not null,
  created_at timestamptz not null default now()
);

create table pipelines (
  id integer generated always as identity primary key,
  name text not null unique,
  source_id integer not null references sources,
  file text not null,
  version_id bigint,
  calendar_id bigint,
  suspended boolean not null default false,
  retired_at timestamptz,
  ready boolean not null default true,
  -- The start of the next window to cut. It only moves forward, and only together with the windows behind it.
  cursor_at timestamptz,
  next_due_at timestamptz,
  -- Number of the last run without window (`<pipeline>-m<seq>`).
  last_seq integer not null default 0,
  created_at timestamptz not null default now()
);
create index pipelines_due on pipelines (next_due_at)
  where next_due_at is not null and retired_at is null and not suspended;

create table versions (
  id bigint generated always as identity primary key,
  pipeline_id integer not null references pipelines,
  digest text not null,
  bundle_digest text not null references bundles,
  revision_id bigint not null references revisions,
  max_active_runs integer not null,
  timeout_ms bigint,
  schedule jsonb,
  -- { environment: [name], secrets: [{name, key}], timeZone, labels, description }
  details jsonb not null,
  created_at timestamptz not null default now(),
  unique (pipeline_id, digest)
);
alter table pipelines add foreign key (version_id) references versions;

create table version_tasks (
  version_id bigint not null references versions on delete cascade,
  position integer not null,
  name text not null,
  blocks text[] not null,
  needs text[] not null,
  condition text,
  retry_limit integer not null,
  retry_initial_ms bigint not null,
  retry_factor double precision not null,
  retry_max_ms bigint not null,
  timeout_ms bigint,
  primary key (version_id, name)
);

create table calendars (
  id bigint generated always as identity primary key,
  pipeline_id integer not null references pipelines,
  number integer not null,
  spec jsonb not null,
  -- Windows of this calendar begin at or after it.
  begins_at timestamptz not null,
  created_at timestamptz not null default now(),
  unique (pipeline_id, number)
);
alter table pipelines add foreign key (calendar_id) references calendars;

-- Never partitioned: it holds uniqueness. One row per window; its bounds never change.
create table windows (
  pipeline_id integer not null references pipelines,
  calendar_id bigint not null references calendars,
  start_at timestamptz not null,
  end_at timestamptz not null check (end_at > start_at),
  label text not null,
  due_at timestamptz not null,
  deadline_at timestamptz,
  phase text not null check (phase in ('Queued', 'Running', 'Succeeded', 'Failed', 'Cancelled', 'Skipped', 'Missing')),
  reason text,
  last_run_no integer not null default 0,
  last_run_id bigint,
  -- At most one live run per window: it is set only where it is null, and cleared only by the run it names.
  live_run_id bigint,
  created_at timestamptz not null default now(),
  primary key (pipeline_id, calendar_id, start_at),
  check ((last_run_no = 0) = (last_run_id is null)),
  check (live_run_id is null or live_run_id = last_run_id),
  check ((live_run_id is not null) = (phase in ('Queued', 'Running')))
);
create index windows_by_start on windows (pipeline_id, start_at desc);

create table skipped_ranges (
  id bigint generated always as identity primary key,
  pipeline_id integer not null references pipelines,
  calendar_id bigint not null references calendars,
  start_at timestamptz not null,
  end_at timestamptz not null check (end_at > start_at),
  windows integer not null check (windows > 0),
  reason text not null,
  created_at timestamptz not null default now()
);
create index skipped_ranges_by_start on skipped_ranges (pipeline_id, start_at desc);

create table requests (
  id bigint generated always as identity primary key,
  kind text not null check (kind in ('run', 'rerun', 'cancel')),
  body jsonb not null,
  actor text not null,
  created_at timestamptz not null default now(),
  handled_at timestamptz,
  -- The answer: { run } or { error, code }.
  result jsonb
);
create index requests_open on requests (id) where handled_at is null;

create table runs (
  id bigint primary key default new_run_id(),
  name text not null,
  pipeline_id integer not null,
  version_id bigint not null,
  -- All four, or none.
  calendar_id bigint,
  window_start timestamptz,
  window_end timestamptz,
  window_label text,
  run_no integer not null check (run_no > 0),
  trigger text not null check (trigger in ('schedule', 'manual', 'rerun')),
  phase text not null default 'Queued' check (phase in ('Queued', 'Running', 'Succeeded', 'Failed', 'Cancelled', 'Skipped')),
  reason text,
  message text,
  variables jsonb not null default '{}',
  priority integer not null default 0,
  request_id bigint,
  queued_at timestamptz not null default now(),
  admitted_at timestamptz,
  started_at timestamptz,
  finished_at timestamptz,
  -- When the run has taken longer than its pipeline's timeout.
  deadline_at timestamptz,
  cancel_requested_at timestamptz,
  cancel_reason text,
  -- True when something happened that `advance` has not looked at.
  news boolean not null default false,
  check ((calendar_id is null) = (window_start is null) and (calendar_id is null) = (window_end is null)),
  check ((finished_at is null) = (phase in ('Queued', 'Running')))
) partition by range (id);
create index runs_by_name on runs (name);
create index runs_by_pipeline on runs (pipeline_id, id desc);
create index runs_queued on runs (priority desc, window_start, id) where phase = 'Queued';
create index runs_running on runs (pipeline_id) where phase = 'Running';
create index runs_news on runs (id) where news;
create index runs_deadline on runs (deadline_at) where phase = 'Running' and deadline_at is not null;

create table tasks (
  run_id bigint not null,
  name text not null,
  position integer not null,
  blocks text[] not null,
  needs text[] not null,
  phase text not null default 'Pending' check (phase in ('Pending', 'Ready', 'Running', 'Succeeded', 'Failed', 'Cancelled', 'Skipped')),
  reason text,
  -- Attempts created, and how many of them were lost (tried again apart from the retry policy).
  attempts integer not null default 0,
  lost integer not null default 0,
  -- Ready, but not before this.
  not_before timestamptz,
  started_at timestamptz,
  finished_at timestamptz,
  primary key (run_id, name)
) partition by range (run_id);
create index tasks_ready on tasks (not_before, run_id) where phase = 'Ready';

create table attempts (
  run_id bigint not null,
  task text not null,
  number integer not null,
  -- Claimed: the row exists, the runner perhaps not yet. Running: launched. Anything else: settled.
  phase text not null default 'Claimed' check (phase in ('Claimed', 'Running', 'Succeeded', 'Failed', 'Lost', 'Cancelled')),
  reason text,
  message text,
  -- Who launches it must settle the claim before this, or another may take it.
  claimed_until timestamptz,
  timeout_ms bigint,
  created_at timestamptz not null default now(),
  launched_at timestamptz,
  -- Why it is being stopped: TimedOut or CancelledByRequest; and when that was asked.
  stop_reason text,
  stop_requested_at timestamptz,
  finished_at timestamptz,
  report jsonb,
  primary key (run_id, task, number),
  check ((finished_at is null) = (phase in ('Claimed', 'Running')))
) partition by range (run_id);
-- An attempt is live in one of two phases, and a task has at most one live attempt.
create unique index attempts_live on attempts (run_id, task) where phase in ('Claimed', 'Running');

create table audit (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  actor text not null,
  verb text not null,
  -- `run`, `window`, `pipeline`, `source`, and its name.
  subject_kind text not null,
  subject text not null,
  reason text,
  details jsonb not null default '{}'
);
create index audit_by_subject on audit (subject_kind, subject, id desc);

-- Makes the monthly partitions around now. Called at every start and every hour; harmless when they exist.
create function ensure_partitions() returns void language plpgsql as $$
declare
  month timestamptz;
  parent text;
begin
  perform pg_advisory_xact_lock(hashtext('pipewright.partitions'));
  for i in -1..3 loop
    month := date_trunc('month', now(), 'UTC') + make_interval(months => i);
    foreach parent in array array['runs', 'tasks', 'attempts'] loop
      execute format('create table if not exists %I partition of %I for values from (%s) to (%s)',
        parent || to_char(month at time zone 'UTC', '_YYYY_MM'), parent,
        time_id(month), time_id(date_trunc('month', month + interval '40 days', 'UTC')));
    end loop;
  end loop;
end $$;
select ensure_partitions();
