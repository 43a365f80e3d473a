-- When what has changed is shown: with fewer writes, and what was started by hand before what was not.

create or replace function mark_run() returns trigger language plpgsql as $$
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
end $$;

create or replace function mark_attempt() returns trigger language plpgsql as $$
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
end $$;

create or replace function mark_pipeline() returns trigger language plpgsql as $$
begin
  if publishes() then
    -- A due time that has moved on belongs to the run that was just queued.
    perform mark_dirty('pipeline', new.id, case
      when tg_op = 'UPDATE' and (old.version_id, old.suspended, old.retired_at, old.ready, old.file)
        is not distinct from (new.version_id, new.suspended, new.retired_at, new.ready, new.file) then 'last'
      else 'soon' end);
  end if;
  return null;
end $$;
