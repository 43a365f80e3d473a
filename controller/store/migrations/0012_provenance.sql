-- What a run was made of.

-- What people wrote: [{ name, file, line, text }], the pipeline's own manifest first; null of versions from before.
alter table versions add column manifest jsonb;

-- The revision that brought the version which it has now. A version can come back, with another commit than at first.
alter table pipelines add column revision_id bigint;
update pipelines p set revision_id = v.revision_id from versions v where v.id = p.version_id;

-- Of a run from its admission on: the newest revision in which its pipeline was good, and where the manifest lay in it.
alter table runs add column revision_id bigint;
alter table runs add column file text;

-- The place of an attempt has its image, too: { job, pod, node, namespace, image }. The image is for who asks; nobody is told of it.
create or replace function mark_attempt() returns trigger language plpgsql as $$
begin
  -- Why nothing of it runs yet is what people look for, and that it runs at last.
  if publishes() and new.place - 'image' is distinct from old.place - 'image' then
    perform mark_dirty('run', new.run_id,
      case when new.place ? 'pending' or coalesce(old.place ? 'pending', false) then 'soon' else 'last' end);
  end if;
  return null;
end $$;
