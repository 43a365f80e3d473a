create sequence dirty_version as bigint;

create sequence migrations_id_seq as integer;

create sequence run_sequence as bigint;

create table attempts (
  run_id bigint not null,
  task text not null,
  number integer not null,
  phase text default 'Claimed'::text not null,
  reason text,
  message text,
  claimed_until timestamp with time zone,
  timeout_ms bigint,
  created_at timestamp with time zone default now() not null,
  launched_at timestamp with time zone,
  stop_reason text,
  stop_requested_at timestamp with time zone,
  finished_at timestamp with time zone,
  report jsonb,
  place jsonb,
  pool_id integer,
  constraint attempts_check CHECK (((finished_at IS NULL) = (phase = ANY (ARRAY['Claimed'::text, 'Running'::text])))),
  constraint attempts_phase_check CHECK ((phase = ANY (ARRAY['Claimed'::text, 'Running'::text, 'Succeeded'::text, 'Failed'::text, 'Lost'::text, 'Cancelled'::text]))),
  constraint attempts_pkey PRIMARY KEY (run_id, task, number)
) partition by RANGE (run_id);
CREATE INDEX attempts_in_pool ON ONLY pipewright.attempts USING btree (pool_id) WHERE ((phase = ANY (ARRAY['Claimed'::text, 'Running'::text])) AND (pool_id IS NOT NULL));
CREATE UNIQUE INDEX attempts_live ON ONLY pipewright.attempts USING btree (run_id, task) WHERE (phase = ANY (ARRAY['Claimed'::text, 'Running'::text]));
CREATE TRIGGER attempts_dirty AFTER UPDATE OF place ON pipewright.attempts FOR EACH ROW EXECUTE FUNCTION mark_attempt();

create table audit (
  id bigint generated always as identity not null,
  at timestamp with time zone default now() not null,
  actor text not null,
  verb text not null,
  subject_kind text not null,
  subject text not null,
  reason text,
  details jsonb default '{}'::jsonb not null,
  constraint audit_pkey PRIMARY KEY (id)
);
CREATE INDEX audit_by_subject ON pipewright.audit USING btree (subject_kind, subject, id DESC);

create table backfill_windows (
  backfill_id bigint not null,
  "position" integer not null,
  calendar_id bigint not null,
  start_at timestamp with time zone not null,
  end_at timestamp with time zone not null,
  label text not null,
  due_at timestamp with time zone not null,
  run_id bigint,
  phase text,
  forced boolean default false not null,
  ended_at timestamp with time zone,
  constraint backfill_windows_phase_check CHECK ((phase = ANY (ARRAY['Succeeded'::text, 'Failed'::text, 'Cancelled'::text, 'Skipped'::text]))),
  constraint backfill_windows_backfill_id_fkey FOREIGN KEY (backfill_id) REFERENCES backfills(id) ON DELETE CASCADE,
  constraint backfill_windows_pkey PRIMARY KEY (backfill_id, "position")
);
CREATE INDEX backfill_windows_by_run ON pipewright.backfill_windows USING btree (run_id) WHERE (phase IS NULL);
CREATE INDEX backfill_windows_open ON pipewright.backfill_windows USING btree (backfill_id, "position") WHERE (phase IS NULL);
CREATE INDEX backfill_windows_to_run ON pipewright.backfill_windows USING btree (backfill_id, end_at, start_at) WHERE (phase IS NULL);
CREATE TRIGGER backfill_windows_dirty AFTER UPDATE ON pipewright.backfill_windows REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_backfills_of_windows();
CREATE TRIGGER backfill_windows_waits AFTER UPDATE ON pipewright.backfill_windows REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION wake_waits_for_turns();

create table backfills (
  id bigint generated always as identity not null,
  name text not null,
  pipeline_id integer not null,
  from_at timestamp with time zone not null,
  to_at timestamp with time zone not null,
  rerun text not null,
  ordering text not null,
  max_active_runs integer,
  priority integer not null,
  version text not null,
  variables jsonb default '{}'::jsonb not null,
  phase text default 'Running'::text not null,
  suspended boolean default false not null,
  request_id bigint,
  actor text not null,
  created_at timestamp with time zone default now() not null,
  finished_at timestamp with time zone,
  reason text,
  message text,
  started_at timestamp with time zone default now() not null,
  origin jsonb,
  parent_id bigint,
  constraint backfills_check CHECK ((to_at > from_at)),
  constraint backfills_check1 CHECK (((finished_at IS NULL) = (phase = 'Running'::text))),
  constraint backfills_max_active_runs_check CHECK ((max_active_runs > 0)),
  constraint backfills_ordering_check CHECK ((ordering = ANY (ARRAY['oldest'::text, 'newest'::text]))),
  constraint backfills_phase_check CHECK ((phase = ANY (ARRAY['Running'::text, 'Succeeded'::text, 'Failed'::text, 'Cancelled'::text]))),
  constraint backfills_rerun_check CHECK ((rerun = ANY (ARRAY['missing'::text, 'failed'::text, 'stale'::text, 'all'::text]))),
  constraint backfills_version_check CHECK ((version = ANY (ARRAY['head'::text, 'original'::text]))),
  constraint backfills_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES backfills(id),
  constraint backfills_pipeline_id_fkey FOREIGN KEY (pipeline_id) REFERENCES pipelines(id),
  constraint backfills_pkey PRIMARY KEY (id),
  constraint backfills_name_key UNIQUE (name)
);
CREATE UNIQUE INDEX backfills_by_origin ON pipewright.backfills USING btree (((origin ->> 'uid'::text))) WHERE (origin IS NOT NULL);
CREATE INDEX backfills_by_parent ON pipewright.backfills USING btree (parent_id) WHERE (parent_id IS NOT NULL);
CREATE INDEX backfills_by_pipeline ON pipewright.backfills USING btree (pipeline_id, id DESC);
CREATE INDEX backfills_running ON pipewright.backfills USING btree (id) WHERE (phase = 'Running'::text);
CREATE TRIGGER backfills_dirty AFTER INSERT OR UPDATE OF phase, suspended, max_active_runs, priority, finished_at ON pipewright.backfills FOR EACH ROW EXECUTE FUNCTION mark_backfill();

create table bundles (
  digest text not null,
  content bytea not null,
  created_at timestamp with time zone default now() not null,
  constraint bundles_pkey PRIMARY KEY (digest)
);

create table calendars (
  id bigint generated always as identity not null,
  pipeline_id integer not null,
  number integer not null,
  spec jsonb not null,
  begins_at timestamp with time zone not null,
  created_at timestamp with time zone default now() not null,
  constraint calendars_pipeline_id_fkey FOREIGN KEY (pipeline_id) REFERENCES pipelines(id),
  constraint calendars_pkey PRIMARY KEY (id),
  constraint calendars_pipeline_id_number_key UNIQUE (pipeline_id, number)
);

create table commit_statuses (
  source_id integer not null,
  commit text not null,
  state text not null,
  description text not null,
  created_at timestamp with time zone default now() not null,
  tries integer default 0 not null,
  due_at timestamp with time zone default now(),
  constraint commit_statuses_state_check CHECK ((state = ANY (ARRAY['success'::text, 'failure'::text]))),
  constraint commit_statuses_source_id_fkey FOREIGN KEY (source_id) REFERENCES sources(id),
  constraint commit_statuses_pkey PRIMARY KEY (source_id, commit)
);
CREATE INDEX commit_statuses_due ON pipewright.commit_statuses USING btree (due_at) WHERE (due_at IS NOT NULL);

create table declared_backfills (
  source_id integer not null,
  name text not null,
  digest text not null,
  settings jsonb not null,
  request_id bigint not null,
  declared_at timestamp with time zone default now() not null,
  removed_at timestamp with time zone,
  constraint declared_backfills_source_id_fkey FOREIGN KEY (source_id) REFERENCES sources(id),
  constraint declared_backfills_pkey PRIMARY KEY (source_id, name, digest),
  constraint declared_backfills_request_id_key UNIQUE (request_id)
);

create table dirty (
  version bigint default nextval('dirty_version'::regclass) not null,
  kind text not null,
  id bigint not null,
  marked_at timestamp with time zone default now() not null,
  pace text default 'now'::text not null,
  constraint dirty_kind_check CHECK ((kind = ANY (ARRAY['pipeline'::text, 'run'::text, 'source'::text, 'backfill'::text]))),
  constraint dirty_pace_check CHECK ((pace = ANY (ARRAY['now'::text, 'soon'::text, 'later'::text, 'last'::text]))),
  constraint dirty_pkey PRIMARY KEY (version)
);
CREATE INDEX dirty_by_key ON pipewright.dirty USING btree (kind, id);

create table leaders (
  name text not null,
  holder text not null,
  term bigint not null,
  expires_at timestamp with time zone not null,
  constraint leaders_pkey PRIMARY KEY (name)
);

create table ledger (
  singleton boolean default true not null,
  id uuid default gen_random_uuid() not null,
  minimum_binary integer not null,
  created_at timestamp with time zone default now() not null,
  report_key bytea default sha256(convert_to(((gen_random_uuid())::text || (gen_random_uuid())::text), 'UTF8'::name)) not null,
  constraint ledger_singleton_check CHECK (singleton),
  constraint ledger_pkey PRIMARY KEY (singleton)
);

create table log_chunks (
  run_id bigint not null,
  task text not null,
  number integer not null,
  start_at bigint not null,
  size integer not null,
  source text not null,
  content bytea not null,
  constraint log_chunks_pkey PRIMARY KEY (run_id, task, number, start_at)
) partition by RANGE (run_id);

create table logs (
  run_id bigint not null,
  task text not null,
  number integer not null,
  size bigint default 0 not null,
  ended_sources text[] default '{}'::text[] not null,
  source text,
  line_time text,
  line_place integer,
  closed_at timestamp with time zone,
  incomplete boolean default false not null,
  constraint logs_pkey PRIMARY KEY (run_id, task, number)
) partition by RANGE (run_id);

create table migrations (
  id integer default nextval('migrations_id_seq'::regclass) not null,
  name character varying(255) not null,
  run_on timestamp without time zone not null,
  constraint migrations_pkey PRIMARY KEY (id)
);

create table pipelines (
  id integer generated always as identity not null,
  name text not null,
  source_id integer not null,
  file text not null,
  version_id bigint,
  calendar_id bigint,
  suspended boolean default false not null,
  retired_at timestamp with time zone,
  ready boolean default true not null,
  cursor_at timestamp with time zone,
  next_due_at timestamp with time zone,
  last_seq integer default 0 not null,
  created_at timestamp with time zone default now() not null,
  paced_until timestamp with time zone,
  schedule_failed_at timestamp with time zone,
  schedule_failure text,
  floor_at timestamp with time zone,
  floor_run_no integer default 0 not null,
  revision_id bigint,
  constraint pipelines_check CHECK (((schedule_failed_at IS NULL) = (schedule_failure IS NULL))),
  constraint pipelines_calendar_id_fkey FOREIGN KEY (calendar_id) REFERENCES calendars(id),
  constraint pipelines_source_id_fkey FOREIGN KEY (source_id) REFERENCES sources(id),
  constraint pipelines_version_id_fkey FOREIGN KEY (version_id) REFERENCES versions(id),
  constraint pipelines_pkey PRIMARY KEY (id),
  constraint pipelines_name_key UNIQUE (name)
);
CREATE INDEX pipelines_due ON pipewright.pipelines USING btree (next_due_at) WHERE ((next_due_at IS NOT NULL) AND (retired_at IS NULL) AND (NOT suspended));
CREATE INDEX pipelines_paced ON pipewright.pipelines USING btree (paced_until) WHERE (paced_until IS NOT NULL);
CREATE TRIGGER pipelines_dirty AFTER INSERT OR UPDATE OF version_id, suspended, retired_at, ready, next_due_at, schedule_failed_at ON pipewright.pipelines FOR EACH ROW EXECUTE FUNCTION mark_pipeline();

create table pools (
  id integer generated always as identity not null,
  source_id integer not null,
  name text not null,
  slots integer not null,
  description text,
  retired_at timestamp with time zone,
  constraint pools_slots_check CHECK ((slots >= 0)),
  constraint pools_source_id_fkey FOREIGN KEY (source_id) REFERENCES sources(id),
  constraint pools_pkey PRIMARY KEY (id),
  constraint pools_source_id_name_key UNIQUE (source_id, name)
);

create table problems (
  source_id integer not null,
  "position" integer not null,
  pipeline text,
  file text not null,
  line integer not null,
  "column" integer not null,
  code text not null,
  message text not null,
  frame text,
  revision_id bigint,
  constraint problems_revision_id_fkey FOREIGN KEY (revision_id) REFERENCES revisions(id),
  constraint problems_source_id_fkey FOREIGN KEY (source_id) REFERENCES sources(id),
  constraint problems_pkey PRIMARY KEY (source_id, "position")
);

create table requests (
  id bigint generated always as identity not null,
  kind text not null,
  body jsonb not null,
  actor text not null,
  created_at timestamp with time zone default now() not null,
  handled_at timestamp with time zone,
  result jsonb,
  origin jsonb,
  constraint requests_kind_check CHECK ((kind = ANY (ARRAY['run'::text, 'rerun'::text, 'cancel'::text, 'backfill'::text, 'changeBackfill'::text, 'mark'::text]))),
  constraint requests_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX requests_by_origin ON pipewright.requests USING btree (((origin ->> 'uid'::text)), kind) WHERE (origin IS NOT NULL);
CREATE INDEX requests_open ON pipewright.requests USING btree (id) WHERE (handled_at IS NULL);

create table revisions (
  id bigint generated always as identity not null,
  source_id integer not null,
  name text not null,
  created_at timestamp with time zone default now() not null,
  author text,
  constraint revisions_source_id_fkey FOREIGN KEY (source_id) REFERENCES sources(id),
  constraint revisions_pkey PRIMARY KEY (id),
  constraint revisions_source_id_name_key UNIQUE (source_id, name)
);

create table runs (
  id bigint default new_run_id() not null,
  name text not null,
  pipeline_id integer not null,
  version_id bigint not null,
  calendar_id bigint,
  window_start timestamp with time zone,
  window_end timestamp with time zone,
  window_label text,
  run_no integer not null,
  trigger text not null,
  phase text default 'Queued'::text not null,
  reason text,
  message text,
  variables jsonb default '{}'::jsonb not null,
  priority integer not null,
  request_id bigint,
  queued_at timestamp with time zone default now() not null,
  admitted_at timestamp with time zone,
  started_at timestamp with time zone,
  finished_at timestamp with time zone,
  deadline_at timestamp with time zone,
  cancel_requested_at timestamp with time zone,
  cancel_reason text,
  news boolean default false not null,
  backfill_id bigint,
  keeps_version boolean default false not null,
  pool_id integer,
  rerun_of bigint,
  cleared_version_id bigint,
  revision_id bigint,
  file text,
  constraint runs_check CHECK ((((calendar_id IS NULL) = (window_start IS NULL)) AND ((calendar_id IS NULL) = (window_end IS NULL)))),
  constraint runs_check1 CHECK (((finished_at IS NULL) = (phase = ANY (ARRAY['Queued'::text, 'Running'::text])))),
  constraint runs_phase_check CHECK ((phase = ANY (ARRAY['Queued'::text, 'Running'::text, 'Succeeded'::text, 'Failed'::text, 'Cancelled'::text, 'Skipped'::text]))),
  constraint runs_run_no_check CHECK ((run_no > 0)),
  constraint runs_trigger_check CHECK ((trigger = ANY (ARRAY['schedule'::text, 'manual'::text, 'rerun'::text, 'backfill'::text]))),
  constraint runs_pkey PRIMARY KEY (id)
) partition by RANGE (id);
CREATE INDEX runs_by_name ON ONLY pipewright.runs USING btree (name);
CREATE INDEX runs_by_pipeline ON ONLY pipewright.runs USING btree (pipeline_id, id DESC);
CREATE INDEX runs_deadline ON ONLY pipewright.runs USING btree (deadline_at) WHERE ((phase = 'Running'::text) AND (deadline_at IS NOT NULL));
CREATE INDEX runs_in_pool ON ONLY pipewright.runs USING btree (pool_id) WHERE ((phase = 'Running'::text) AND (pool_id IS NOT NULL));
CREATE INDEX runs_news ON ONLY pipewright.runs USING btree (id) WHERE news;
CREATE INDEX runs_of_backfill ON ONLY pipewright.runs USING btree (backfill_id) WHERE ((backfill_id IS NOT NULL) AND (phase = ANY (ARRAY['Queued'::text, 'Running'::text])));
CREATE INDEX runs_rerun_of ON ONLY pipewright.runs USING btree (rerun_of) WHERE (rerun_of IS NOT NULL);
CREATE INDEX runs_running ON ONLY pipewright.runs USING btree (pipeline_id) WHERE (phase = 'Running'::text);
CREATE INDEX runs_unsuccessful ON ONLY pipewright.runs USING btree (phase, id DESC) WHERE (phase = ANY (ARRAY['Failed'::text, 'Cancelled'::text, 'Skipped'::text]));
CREATE INDEX runs_unsuccessful_by_pipeline ON ONLY pipewright.runs USING btree (pipeline_id, phase, id DESC) WHERE (phase = ANY (ARRAY['Failed'::text, 'Cancelled'::text, 'Skipped'::text]));
CREATE INDEX runs_waiting ON ONLY pipewright.runs USING btree (pipeline_id, COALESCE(backfill_id, (0)::bigint), priority DESC, (
CASE
    WHEN (backfill_id IS NULL) THEN window_start
    ELSE NULL::timestamp with time zone
END) NULLS FIRST, id) WHERE (phase = 'Queued'::text);
CREATE TRIGGER runs_dirty AFTER INSERT OR UPDATE OF phase, reason, started_at, finished_at, cancel_requested_at ON pipewright.runs FOR EACH ROW EXECUTE FUNCTION mark_run();
CREATE TRIGGER runs_priority BEFORE INSERT ON pipewright.runs FOR EACH ROW WHEN ((new.priority IS NULL)) EXECUTE FUNCTION give_priority();

create table skipped_ranges (
  id bigint generated always as identity not null,
  pipeline_id integer not null,
  calendar_id bigint not null,
  start_at timestamp with time zone not null,
  end_at timestamp with time zone not null,
  windows integer not null,
  reason text not null,
  created_at timestamp with time zone default now() not null,
  constraint skipped_ranges_check CHECK ((end_at > start_at)),
  constraint skipped_ranges_windows_check CHECK ((windows > 0)),
  constraint skipped_ranges_calendar_id_fkey FOREIGN KEY (calendar_id) REFERENCES calendars(id),
  constraint skipped_ranges_pipeline_id_fkey FOREIGN KEY (pipeline_id) REFERENCES pipelines(id),
  constraint skipped_ranges_pkey PRIMARY KEY (id)
);
CREATE INDEX skipped_ranges_by_start ON pipewright.skipped_ranges USING btree (pipeline_id, start_at DESC);

create table sources (
  id integer generated always as identity not null,
  name text not null,
  kind text not null,
  location text not null,
  revision_id bigint,
  synced_at timestamp with time zone,
  ref text,
  path text default ''::text not null,
  environment text,
  suspended boolean default false not null,
  prune text default 'finish'::text not null,
  removed_at timestamp with time zone,
  declared_at timestamp with time zone default now() not null,
  failure text,
  failed_at timestamp with time zone,
  constraint sources_kind_check CHECK ((kind = ANY (ARRAY['folder'::text, 'git'::text]))),
  constraint sources_prune_check CHECK ((prune = ANY (ARRAY['finish'::text, 'cancel'::text]))),
  constraint sources_revision_id_fkey FOREIGN KEY (revision_id) REFERENCES revisions(id),
  constraint sources_pkey PRIMARY KEY (id),
  constraint sources_name_key UNIQUE (name)
);
CREATE TRIGGER sources_dirty AFTER INSERT OR UPDATE OF revision_id, synced_at, declared_at, removed_at, failure ON pipewright.sources FOR EACH ROW EXECUTE FUNCTION mark_source();

create table tasks (
  run_id bigint not null,
  name text not null,
  "position" integer not null,
  blocks text[] not null,
  needs text[] not null,
  phase text default 'Pending'::text not null,
  reason text,
  attempts integer default 0 not null,
  lost integer default 0 not null,
  not_before timestamp with time zone,
  started_at timestamp with time zone,
  finished_at timestamp with time zone,
  pool text,
  taken_from bigint,
  constraint tasks_phase_check CHECK ((phase = ANY (ARRAY['Pending'::text, 'Ready'::text, 'Running'::text, 'Succeeded'::text, 'Failed'::text, 'Cancelled'::text, 'Skipped'::text]))),
  constraint tasks_pkey PRIMARY KEY (run_id, name)
) partition by RANGE (run_id);
CREATE INDEX tasks_ready ON ONLY pipewright.tasks USING btree (not_before, run_id) WHERE (phase = 'Ready'::text);
CREATE TRIGGER tasks_dirty AFTER UPDATE OF phase ON pipewright.tasks FOR EACH ROW EXECUTE FUNCTION mark_task();

create table turns (
  pipeline_id integer not null,
  step text not null,
  at timestamp with time zone not null,
  constraint turns_step_check CHECK ((step = ANY (ARRAY['admit'::text, 'launch'::text]))),
  constraint turns_pkey PRIMARY KEY (pipeline_id, step)
);

create table version_tasks (
  version_id bigint not null,
  "position" integer not null,
  name text not null,
  blocks text[] not null,
  needs text[] not null,
  condition text,
  retry_limit integer not null,
  retry_initial_ms bigint not null,
  retry_factor double precision not null,
  retry_max_ms bigint not null,
  timeout_ms bigint,
  pool text,
  wait jsonb,
  constraint version_tasks_version_id_fkey FOREIGN KEY (version_id) REFERENCES versions(id) ON DELETE CASCADE,
  constraint version_tasks_pkey PRIMARY KEY (version_id, name)
);

create table versions (
  id bigint generated always as identity not null,
  pipeline_id integer not null,
  digest text not null,
  bundle_digest text not null,
  revision_id bigint not null,
  max_active_runs integer not null,
  timeout_ms bigint,
  schedule jsonb,
  details jsonb not null,
  created_at timestamp with time zone default now() not null,
  priority integer default 0 not null,
  when_busy text default 'queue'::text not null,
  pool text,
  data_digest text,
  waits boolean default false not null,
  manifest jsonb,
  constraint versions_when_busy_check CHECK ((when_busy = ANY (ARRAY['queue'::text, 'skip'::text, 'replace'::text]))),
  constraint versions_bundle_digest_fkey FOREIGN KEY (bundle_digest) REFERENCES bundles(digest),
  constraint versions_pipeline_id_fkey FOREIGN KEY (pipeline_id) REFERENCES pipelines(id),
  constraint versions_revision_id_fkey FOREIGN KEY (revision_id) REFERENCES revisions(id),
  constraint versions_pkey PRIMARY KEY (id),
  constraint versions_pipeline_id_digest_key UNIQUE (pipeline_id, digest)
);
CREATE INDEX versions_that_wait ON pipewright.versions USING btree (pipeline_id) WHERE waits;

create table waits (
  run_id bigint not null,
  block text not null,
  version_id bigint not null,
  pipeline_id integer not null,
  from_at timestamp with time zone not null,
  to_at timestamp with time zone not null,
  kind text not null,
  give_up_at timestamp with time zone not null,
  woken boolean default true not null,
  constraint waits_check CHECK ((to_at > from_at)),
  constraint waits_pkey PRIMARY KEY (run_id, block)
);
CREATE INDEX waits_by_end ON pipewright.waits USING btree (give_up_at);
CREATE INDEX waits_by_pipeline ON pipewright.waits USING btree (pipeline_id, to_at);
CREATE INDEX waits_woken ON pipewright.waits USING btree (run_id) WHERE woken;

create table windows (
  pipeline_id integer not null,
  calendar_id bigint not null,
  start_at timestamp with time zone not null,
  end_at timestamp with time zone not null,
  label text not null,
  due_at timestamp with time zone not null,
  deadline_at timestamp with time zone,
  phase text not null,
  reason text,
  last_run_no integer default 0 not null,
  last_run_id bigint,
  live_run_id bigint,
  created_at timestamp with time zone default now() not null,
  late_at timestamp with time zone,
  made_by bigint,
  mark jsonb,
  made_at timestamp with time zone,
  read_at timestamp with time zone,
  constraint windows_check CHECK ((end_at > start_at)),
  constraint windows_check1 CHECK (((last_run_id IS NULL) OR (last_run_no > 0))),
  constraint windows_check2 CHECK (((live_run_id IS NULL) OR (live_run_id = last_run_id))),
  constraint windows_check3 CHECK (((live_run_id IS NOT NULL) = (phase = ANY (ARRAY['Queued'::text, 'Running'::text])))),
  constraint windows_phase_check CHECK ((phase = ANY (ARRAY['Queued'::text, 'Running'::text, 'Succeeded'::text, 'Failed'::text, 'Cancelled'::text, 'Skipped'::text, 'Missing'::text]))),
  constraint windows_calendar_id_fkey FOREIGN KEY (calendar_id) REFERENCES calendars(id),
  constraint windows_pipeline_id_fkey FOREIGN KEY (pipeline_id) REFERENCES pipelines(id),
  constraint windows_pkey PRIMARY KEY (pipeline_id, calendar_id, start_at)
);
CREATE INDEX windows_awaiting ON pipewright.windows USING btree (pipeline_id, start_at) WHERE ((phase = 'Missing'::text) AND (reason = 'AwaitsTurn'::text));
CREATE INDEX windows_by_end ON pipewright.windows USING btree (pipeline_id, end_at);
CREATE INDEX windows_by_live_run ON pipewright.windows USING btree (live_run_id) WHERE (live_run_id IS NOT NULL);
CREATE INDEX windows_by_start ON pipewright.windows USING btree (pipeline_id, start_at DESC);
CREATE INDEX windows_deadline ON pipewright.windows USING btree (deadline_at) WHERE ((late_at IS NULL) AND (deadline_at IS NOT NULL) AND (phase <> ALL (ARRAY['Succeeded'::text, 'Skipped'::text])));
CREATE INDEX windows_ended_well ON pipewright.windows USING btree (pipeline_id, start_at DESC) WHERE ((phase = 'Succeeded'::text) OR ((phase = 'Skipped'::text) AND (reason IS DISTINCT FROM 'Busy'::text)));
CREATE INDEX windows_late ON pipewright.windows USING btree (pipeline_id, start_at) WHERE ((late_at IS NOT NULL) AND (phase <> ALL (ARRAY['Succeeded'::text, 'Skipped'::text])));
CREATE INDEX windows_live ON pipewright.windows USING btree (pipeline_id) WHERE (live_run_id IS NOT NULL);
CREATE TRIGGER windows_done AFTER INSERT OR UPDATE OF phase ON pipewright.windows FOR EACH ROW WHEN ((new.phase = ANY (ARRAY['Succeeded'::text, 'Skipped'::text]))) EXECUTE FUNCTION wake_waits();
CREATE TRIGGER windows_number_on BEFORE INSERT ON pipewright.windows FOR EACH ROW WHEN (((new.phase = 'Missing'::text) AND (new.last_run_no = 0))) EXECUTE FUNCTION number_on();

CREATE OR REPLACE FUNCTION pipewright.ensure_partitions()
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  month timestamptz;
  parent text;
begin
  perform pg_advisory_xact_lock(hashtext('pipewright.partitions'));
  for i in -1..3 loop
    month := date_trunc('month', now(), 'UTC') + make_interval(months => i);
    foreach parent in array array['runs', 'tasks', 'attempts', 'logs', 'log_chunks'] loop
      execute format('create table if not exists %I partition of %I for values from (%s) to (%s)',
        parent || to_char(month at time zone 'UTC', '_YYYY_MM'), parent,
        time_id(month), time_id(date_trunc('month', month + interval '40 days', 'UTC')));
    end loop;
  end loop;
end $function$
;

CREATE OR REPLACE FUNCTION pipewright.give_priority()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  new.priority := coalesce((select v.priority from pipelines p join versions v on v.id = p.version_id where p.id = new.pipeline_id), 0);
  return new;
end $function$
;

CREATE OR REPLACE FUNCTION pipewright.mark_attempt()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  -- Why nothing of it runs yet is what people look for, and that it runs at last.
  if publishes() and new.place - 'image' is distinct from old.place - 'image' then
    perform mark_dirty('run', new.run_id, case
      when new.place ? 'pending' or coalesce(old.place ? 'pending', false) then 'soon'
      -- Only one that was not shown while it waited: see `later` of new runs.
      when new.place ? 'node' and (select queued_at > now() - interval '10 seconds' from runs where id = new.run_id)
        and (select count(*) = 1 from attempts where run_id = new.run_id) then 'soon'
      else 'last' end);
  end if;
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION pipewright.mark_backfill()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if publishes() then
    perform mark_dirty('backfill', new.id, case when new.finished_at is not null then 'now' else 'soon' end);
  end if;
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION pipewright.mark_backfills_of_windows()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if publishes() then
    perform mark_dirty('backfill', backfill_id, 'later') from (select distinct backfill_id from changed order by 1) c;
  end if;
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION pipewright.mark_dirty(marked_kind text, marked_id bigint, at_pace text DEFAULT 'now'::text)
 RETURNS void
 LANGUAGE sql
AS $function$ insert into dirty (kind, id, pace) values (marked_kind, marked_id, at_pace) $function$
;

CREATE OR REPLACE FUNCTION pipewright.mark_pipeline()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if publishes() then
    -- A due time that has moved on belongs to the run that was just queued.
    perform mark_dirty('pipeline', new.id, case
      when tg_op = 'UPDATE' and (old.version_id, old.suspended, old.retired_at, old.ready, old.file)
        is not distinct from (new.version_id, new.suspended, new.retired_at, new.ready, new.file) then 'last'
      else 'soon' end);
  end if;
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION pipewright.mark_run()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if publishes() then
    perform mark_dirty('run', new.id, case
      when new.finished_at is not null then 'now'
      -- Somebody waits for what was asked for. Any other is shown when its pod has a node, or is known to wait for one.
      when tg_op = 'INSERT' and new.request_id is not null then 'soon'
      when tg_op = 'INSERT' or old.phase <> new.phase then 'later'
      else 'last' end);
    -- What only leads on to the end of a run may wait for it.
    perform mark_dirty('pipeline', new.pipeline_id, case when new.finished_at is null then 'last' else 'later' end);
  end if;
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION pipewright.mark_source()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if publishes() then perform mark_dirty('source', new.id); end if;
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION pipewright.mark_task()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if publishes() then
    perform mark_dirty('run', new.run_id, case when new.phase in ('Ready', 'Running') then 'last' else 'later' end);
  end if;
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION pipewright.new_run_id()
 RETURNS bigint
 LANGUAGE sql
AS $function$ select time_id(clock_timestamp()) | (nextval('run_sequence') & 2097151) $function$
;

CREATE OR REPLACE FUNCTION pipewright.number_on()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  new.last_run_no := coalesce(
    (select floor_run_no from pipelines where id = new.pipeline_id and new.end_at <= floor_at), new.last_run_no);
  return new;
end $function$
;

CREATE OR REPLACE FUNCTION pipewright.publishes()
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$ select coalesce(current_setting('pipewright.publish', true), '') = 'on' $function$
;

CREATE OR REPLACE FUNCTION pipewright.time_id(at timestamp with time zone)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$ select floor(extract(epoch from at))::bigint << 21 $function$
;

CREATE OR REPLACE FUNCTION pipewright.wake_waits()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  update waits set woken = true where pipeline_id = new.pipeline_id and to_at > new.start_at and from_at < new.end_at;
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION pipewright.wake_waits_for_turns()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  update waits w set woken = true
  from changed c join backfills b on b.id = c.backfill_id
  where c.phase is not null and w.pipeline_id = b.pipeline_id and w.to_at > c.start_at and w.from_at < c.end_at
    and exists (select from backfills k where k.parent_id = coalesce(b.parent_id, b.id));
  return null;
end $function$
;
