-- Pools, limits and what happens when a pipeline is busy.

-- A named number of slots, of the source that defines it. One that is retired still holds for those that came before: live runs, and
-- last good versions that name it.
create table pools (
  id integer generated always as identity primary key,
  source_id integer not null references sources,
  name text not null,
  slots integer not null check (slots >= 0),
  description text,
  retired_at timestamptz,
  unique (source_id, name)
);

alter table versions add column priority integer not null default 0;
alter table versions add column when_busy text not null default 'queue' check (when_busy in ('queue', 'skip', 'replace'));
-- Names of pools of the pipeline's source; null takes no slot.
alter table versions add column pool text;
alter table version_tasks add column pool text;
alter table tasks add column pool text;

-- A run has the priority of its pipeline where none is given for it.
alter table runs alter column priority drop default;
create function give_priority() returns trigger language plpgsql as $$
begin
  new.priority := coalesce((select v.priority from pipelines p join versions v on v.id = p.version_id where p.id = new.pipeline_id), 0);
  return new;
end $$;
create trigger runs_priority before insert on runs for each row when (new.priority is null) execute function give_priority();

-- The pool that a running run, or a live attempt, holds a slot of. What is used is counted from these rows and kept nowhere.
alter table runs add column pool_id integer;
alter table attempts add column pool_id integer;
create index runs_in_pool on runs (pool_id) where phase = 'Running' and pool_id is not null;
create index attempts_in_pool on attempts (pool_id) where phase in ('Claimed', 'Running') and pool_id is not null;

-- When `admit` last let in a run of the pipeline, and `launch` a task: of those that may go next, the one whose turn was longest ago
-- does. No key to pipelines, so that neither step waits for whoever holds a row of theirs.
create table turns (
  pipeline_id integer not null,
  step text not null check (step in ('admit', 'launch')),
  at timestamptz not null,
  primary key (pipeline_id, step)
);

-- Each queue, of a pipeline and of each of its backfills, in its order.
create index runs_waiting on runs (pipeline_id, (coalesce(backfill_id, 0)), priority desc,
  (case when backfill_id is null then window_start end) nulls first, id) where phase = 'Queued';
drop index runs_queued;

-- An older controller would admit runs, and begin tasks, without a slot.
update ledger set minimum_binary = 9;
