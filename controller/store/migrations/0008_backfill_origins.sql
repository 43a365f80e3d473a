-- Where backfills come from, why they ended, how fast they go, and what kubectl shows of them.

-- What the manifests of a source declare. It is asked for once per name and digest of what it runs.
create table declared_backfills (
  source_id integer not null references sources,
  name text not null,
  digest text not null,
  -- What may change while it runs: { maxActiveRuns, priority, suspended }.
  settings jsonb not null,
  request_id bigint not null unique,
  declared_at timestamptz not null default now(),
  removed_at timestamptz,
  primary key (source_id, name, digest)
);

-- Why it has ended as it has: machine-readable, and in a sentence.
alter table backfills add column reason text;
alter table backfills add column message text;
-- When it was made, or given another turn.
alter table backfills add column started_at timestamptz not null default now();
-- The object by which a person asked for it: { kind, namespace, name, uid }. Here too, since requests may be dropped.
alter table backfills add column origin jsonb;
create unique index backfills_by_origin on backfills ((origin ->> 'uid')) where origin is not null;
-- When its run ended; null where none had to run.
alter table backfill_windows add column ended_at timestamptz;

alter table dirty drop constraint dirty_kind_check;
alter table dirty add constraint dirty_kind_check check (kind in ('pipeline', 'run', 'source', 'backfill'));

create function mark_backfill() returns trigger language plpgsql as $$
begin
  if publishes() then
    perform mark_dirty('backfill', new.id, case when new.finished_at is not null then 'now' else 'soon' end);
  end if;
  return null;
end $$;
create trigger backfills_dirty
  after insert or update of phase, suspended, max_active_runs, priority, finished_at on backfills
  for each row execute function mark_backfill();

-- Once per statement: one that queues hundreds of windows is one step of a backfill.
create function mark_backfills_of_windows() returns trigger language plpgsql as $$
begin
  if publishes() then
    perform mark_dirty('backfill', backfill_id, 'later') from (select distinct backfill_id from changed order by 1) c;
  end if;
  return null;
end $$;
create trigger backfill_windows_dirty after update on backfill_windows
  referencing new table as changed for each statement execute function mark_backfills_of_windows();
