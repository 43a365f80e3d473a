-- What forges are to be told of commits: taken by `announce`. What was told stays until its source has another commit, so that nobody
-- is told the same again.
create table commit_statuses (
  source_id integer not null references sources,
  commit text not null,
  state text not null check (state in ('success', 'failure')),
  description text not null,
  created_at timestamptz not null default now(),
  tries integer not null default 0,
  -- When it is tried, or tried again; null when the forge knows it, or refused it for good.
  due_at timestamptz default now(),
  primary key (source_id, commit)
);
create index commit_statuses_due on commit_statuses (due_at) where due_at is not null;
