-- Several sources, and what the last look at each of them found.

-- What is followed, as `branch main`; null for the working tree of a folder.
alter table sources add column ref text;
-- The folder inside that holds the manifests; '' for all of it.
alter table sources add column path text not null default '';
alter table sources add column environment text;
alter table sources add column suspended boolean not null default false;
-- What becomes of running runs of a pipeline that is gone.
alter table sources add column prune text not null default 'finish' check (prune in ('finish', 'cancel'));
-- Since when nobody declares it any more: its pipelines are retired, and their history stays.
alter table sources add column removed_at timestamptz;
-- Since when it is declared as it is: what was found before is not about that.
alter table sources add column declared_at timestamptz not null default now();
-- Why it could not be read, in a sentence, and since when; null since the last good look.
alter table sources add column failure text;
alter table sources add column failed_at timestamptz;

-- `Name <mail>`, as the commit says.
alter table revisions add column author text;
-- In which a problem was first seen.
alter table problems add column revision_id bigint references revisions;

drop trigger sources_dirty on sources;
create trigger sources_dirty after insert or update of revision_id, synced_at, declared_at, removed_at, failure on sources
  for each row execute function mark_source();
