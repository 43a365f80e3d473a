-- What pods have written, for when they are gone.

-- How far the log of an attempt is kept. An attempt has pods one after another, and these have containers: each is a source,
-- `<pod>/<container>`, read to its end before the next. Whoever adds to a log names the `size` that it saw, so that of two who
-- read the same lines one adds them.
create table logs (
  run_id bigint not null,
  task text not null,
  number integer not null,
  -- Bytes of text that were ever added; also those that were dropped again.
  size bigint not null default 0,
  -- Sources that are kept to their end.
  ended_sources text[] not null default '{}',
  -- Of the source after them: the time of the last line that is kept, and its place among lines of that very time, from 1.
  source text,
  line_time text,
  line_place integer,
  -- When there was nothing more to be kept; `incomplete` when the rest could not be read.
  closed_at timestamptz,
  incomplete boolean not null default false,
  primary key (run_id, task, number)
) partition by range (run_id);

create table log_chunks (
  run_id bigint not null,
  task text not null,
  number integer not null,
  -- Where its text begins in the whole log, and how long it is, in bytes. What lies between two chunks was dropped.
  start_at bigint not null,
  size integer not null,
  source text not null,
  -- gzip of whole lines, each begun by its time and a space.
  content bytea not null,
  primary key (run_id, task, number, start_at)
) partition by range (run_id);
-- It is compressed already.
alter table log_chunks alter column content set storage external;

-- As in migration 0001, with the new tables.
create or replace function ensure_partitions() returns void language plpgsql as $$
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
end $$;
select ensure_partitions();
