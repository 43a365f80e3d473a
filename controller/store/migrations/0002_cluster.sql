-- What replicas and a cluster need: leadership, reports that come over HTTP, and the marks that `publish` works off.

-- Signs the tokens by which runners report. Two random UUIDs hold 244 random bits.
alter table ledger add column report_key bytea not null
  default sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8'));

-- Who may do what needs one owner. A term is a holder's tenure: it grows whenever the holder changes, and whoever writes as the
-- owner checks in the same transaction that its term still stands.
create table leaders (
  name text primary key,
  holder text not null,
  term bigint not null,
  expires_at timestamptz not null
);

-- Where an attempt ran, as its executor saw it: { job, pod, node, namespace }.
alter table attempts add column place jsonb;

-- What a person made with kubectl is asked once: { kind, namespace, name, uid }.
alter table requests add column origin jsonb;
create unique index requests_by_origin on requests ((origin ->> 'uid'), kind) where origin is not null;

-- What `publish` has to bring to Kubernetes: the key alone, what it shows is read afresh. Marked by triggers, but only in
-- sessions of a controller that publishes; taken in the order of `version`, removed when that version has been published.
create sequence dirty_version as bigint;
create table dirty (
  version bigint primary key default nextval('dirty_version'),
  kind text not null check (kind in ('pipeline', 'run', 'source')),
  id bigint not null,
  marked_at timestamptz not null default now(),
  -- How long it may wait for others to travel with; `publish` gives each a time, none for `now`.
  pace text not null default 'now' check (pace in ('now', 'soon', 'later', 'last'))
);
create index dirty_by_key on dirty (kind, id);

-- Only ever added to: two transactions that touch runs of the same two pipelines would else wait for each other's marks.
create function mark_dirty(marked_kind text, marked_id bigint, at_pace text default 'now') returns void language sql
  as $$ insert into dirty (kind, id, pace) values (marked_kind, marked_id, at_pace) $$;

create function publishes() returns boolean language sql stable
  as $$ select coalesce(current_setting('pipewright.publish', true), '') = 'on' $$;

create function mark_run() returns trigger language plpgsql as $$
begin
  if publishes() then
    perform mark_dirty('run', new.id, case
      when new.finished_at is not null then 'now'
      when tg_op = 'INSERT' then 'soon'
      when old.phase <> new.phase then 'later'
      else 'last' end);
    -- What only leads on to the end of a run may wait for it.
    perform mark_dirty('pipeline', new.pipeline_id, case when new.finished_at is null then 'later' else 'soon' end);
  end if;
  return null;
end $$;
create trigger runs_dirty after insert or update of phase, reason, started_at, finished_at, cancel_requested_at on runs
  for each row execute function mark_run();

create function mark_task() returns trigger language plpgsql as $$
begin
  if publishes() then
    perform mark_dirty('run', new.run_id, case when new.phase in ('Ready', 'Running') then 'last' else 'later' end);
  end if;
  return null;
end $$;
create trigger tasks_dirty after update of phase on tasks for each row execute function mark_task();

create function mark_attempt() returns trigger language plpgsql as $$
begin
  -- Why nothing of it runs yet is what people look for, and that it runs at last.
  if publishes() then
    perform mark_dirty('run', new.run_id,
      case when new.place ? 'pending' or coalesce(old.place ? 'pending', false) then 'soon' else 'last' end);
  end if;
  return null;
end $$;
create trigger attempts_dirty after update of place on attempts for each row execute function mark_attempt();

create function mark_pipeline() returns trigger language plpgsql as $$
begin
  if publishes() then
    -- A due time that has moved on belongs to the run that was just queued.
    perform mark_dirty('pipeline', new.id, case
      when tg_op = 'UPDATE' and (old.version_id, old.suspended, old.retired_at, old.ready, old.file)
        is not distinct from (new.version_id, new.suspended, new.retired_at, new.ready, new.file) then 'later'
      else 'soon' end);
  end if;
  return null;
end $$;
create trigger pipelines_dirty
  after insert or update of version_id, suspended, retired_at, ready, next_due_at on pipelines
  for each row execute function mark_pipeline();

create function mark_source() returns trigger language plpgsql as $$
begin
  if publishes() then perform mark_dirty('source', new.id); end if;
  return null;
end $$;
create trigger sources_dirty after insert or update of revision_id, synced_at on sources
  for each row execute function mark_source();
