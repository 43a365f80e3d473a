import type pg from 'pg';

export type StatusRow = {
  readonly source: string;
  readonly commit: string;
  readonly state: 'success' | 'failure';
  readonly description: string;
  /** With this one. */
  readonly tries: number;
  /** It has been tried for so long that nobody waits for it any more. */
  readonly old: boolean;
};

/** How it stands with a source. */
export type Standing = {
  /** How many are good. */
  readonly pipelines: number;
  readonly problems: number;
  readonly first: { readonly file: string; readonly line: number; readonly message: string } | null;
};

export async function readStanding(db: pg.ClientBase, sourceId: number): Promise<Standing> {
  const { rows } = await db.query(
    `select (select count(*)::int from pipelines where source_id = $1 and retired_at is null and ready) as pipelines,
            (select count(*)::int from problems where source_id = $1) as problems,
            (select json_build_object('file', file, 'line', line, 'message', message)
             from problems where source_id = $1 order by position limit 1) as first`,
    [sourceId],
  );
  return rows[0];
}

/** In the transaction that applies the commit. What the forge knows already is not said again, after a restart say. */
export async function queueStatus(
  db: pg.ClientBase,
  sourceId: number,
  { commit, state, description }: Pick<StatusRow, 'commit' | 'state' | 'description'>,
): Promise<void> {
  await db.query('delete from commit_statuses where source_id = $1 and commit <> $2 and due_at is null', [
    sourceId,
    commit,
  ]);
  // Of a commit that applied before, only the first sync has changed something.
  await db.query(
    `insert into commit_statuses as s (source_id, commit, state, description) values ($1, $2, $3, $4)
     on conflict (source_id, commit) do update
       set state = excluded.state, description = excluded.description, created_at = now(), tries = 0, due_at = now()
     where s.state <> excluded.state or (s.state = 'failure' and s.description <> excluded.description)`,
    [sourceId, commit, state, description],
  );
}

/**
 * Takes what is due of these sources, and of each only the oldest, so that a forge that hangs does not hold up the others. It is due
 * again `claimMs` later, or after twice as long for every try before: so it is sent again by whoever lives then.
 */
export async function claimStatuses(
  db: pg.Pool,
  options: { sources: readonly string[]; most: number; claimMs: number; giveUpMs: number },
): Promise<StatusRow[]> {
  const { sources, most, claimMs, giveUpMs } = options;
  const { rows } = await db.query(
    `with due as materialized (
       select d.source_id, d.commit, known.name
       from (select id, name from sources where name = any($1)) as known
       cross join lateral (
         select source_id, commit from commit_statuses
         where source_id = known.id and due_at <= now() order by due_at limit 1 for update skip locked
       ) as d
       limit $2)
     update commit_statuses c
     set tries = c.tries + 1,
         due_at = now() + least($3 * power(2, least(c.tries, 12)), 3600000) * interval '1 ms'
     from due where c.source_id = due.source_id and c.commit = due.commit
     returning due.name as source, c.commit, c.state, c.description, c.tries,
               c.created_at < now() - $4 * interval '1 ms' as old`,
    [sources, most, claimMs, giveUpMs],
  );
  return rows;
}

/** Unless the commit has got another status meanwhile, which is still to be told. */
export async function settleStatus(db: pg.Pool, { source, commit, state, description }: StatusRow): Promise<void> {
  await db.query(
    `update commit_statuses set due_at = null
     where source_id = (select id from sources where name = $1) and commit = $2 and state = $3 and description = $4`,
    [source, commit, state, description],
  );
}

/** Ms until the next one of these sources is due; null where nothing is to be told. */
export async function nextStatusIn(db: pg.Pool, sources: readonly string[]): Promise<number | null> {
  const { rows } = await db.query(
    `select extract(epoch from min(c.due_at) - now()) * 1000 as ms
     from commit_statuses c join sources s on s.id = c.source_id where s.name = any($1) and c.due_at is not null`,
    [sources],
  );
  return rows[0].ms === null ? null : Math.max(0, Math.ceil(Number(rows[0].ms)));
}
