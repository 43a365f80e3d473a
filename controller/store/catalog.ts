import type pg from 'pg';
import type { CalendarSpec, Problem } from '../../schemas/generated/types.ts';

/** What a sync compares with: as little as that takes, since it is read for every pipeline of the source. */
export type CatalogRow = {
  readonly id: number;
  readonly name: string;
  readonly file: string;
  readonly ready: boolean;
  readonly retired: boolean;
  readonly digest: string | null;
  /** Whether its version knows the digest of its data; those that are older than that digest do not. */
  readonly hasDataDigest: boolean;
};

/** Where a pipeline's schedule has come to. */
export type CursorRow = {
  readonly cursorAt: Date | null;
  readonly calendarId: number | null;
  /** Of its newest calendar; 0 where it has none. */
  readonly calendarNumber: number;
  readonly calendar: CalendarSpec | null;
};

/** Takes the source's row for the length of the transaction, so that two syncs of it come one after the other. */
export async function lockSource(
  db: pg.ClientBase,
  source: { name: string; kind: 'folder' | 'git'; location: string },
): Promise<{ id: number; revision: string | null }> {
  await db.query('insert into sources (name, kind, location) values ($1, $2, $3) on conflict (name) do nothing', [
    source.name,
    source.kind,
    source.location,
  ]);
  const { rows } = await db.query(
    `select s.id, r.name as revision from sources s left join revisions r on r.id = s.revision_id where s.name = $1 for update of s`,
    [source.name],
  );
  return rows[0];
}

/** A problem that was there before keeps the revision in which it was first seen. */
export async function replaceProblems(
  db: pg.ClientBase,
  sourceId: number,
  revisionId: number | null,
  problems: readonly Problem[],
): Promise<void> {
  const { rows } = await db.query(
    'delete from problems where source_id = $1 returning file, code, message, revision_id as "revisionId"',
    [sourceId],
  );
  if (problems.length === 0) return;
  const keyOf = ({ file, code, message }: Pick<Problem, 'file' | 'code' | 'message'>) => `${file}\0${code}\0${message}`;
  const seen = new Map(rows.map((row) => [keyOf(row), row.revisionId]));
  await db.query(
    `insert into problems (source_id, position, pipeline, file, line, "column", code, message, frame, revision_id)
     select $1, position, pipeline, file, line, "column", code, message, frame, "revisionId"
     from jsonb_to_recordset($2) as p(
       position int, pipeline text, file text, line int, "column" int, code text, message text, frame text, "revisionId" bigint)`,
    [
      sourceId,
      JSON.stringify(
        problems.map((each, position) => ({ ...each, position, revisionId: seen.get(keyOf(each)) ?? revisionId })),
      ),
    ],
  );
}

/** The pipelines of a source as the last sync left them. Only syncs change what is read here, and they come one after the other. */
export async function readCatalog(db: pg.ClientBase, sourceId: number): Promise<CatalogRow[]> {
  const { rows } = await db.query(
    `select p.id, p.name, p.file, p.ready, p.retired_at is not null as retired, v.digest, v.data_digest is not null as "hasDataDigest"
     from pipelines p left join versions v on v.id = p.version_id where p.source_id = $1 order by p.id`,
    [sourceId],
  );
  return rows;
}

/**
 * Before they are changed, in the order of ids. A cursor that moved after it was read would be moved back, and a new calendar
 * begin before windows that have just been cut.
 */
export async function lockPipelines(db: pg.ClientBase, ids: readonly number[]): Promise<void> {
  await db.query('select from pipelines where id = any($1) order by id for no key update', [ids]);
}

/** By id, of pipelines that this transaction has locked or made. */
export async function readCursors(db: pg.ClientBase, ids: readonly number[]): Promise<Map<number, CursorRow>> {
  const { rows } = await db.query(
    `select p.id, p.cursor_at as "cursorAt", p.calendar_id as "calendarId", c.spec as calendar,
            coalesce((select max(number) from calendars where pipeline_id = p.id), 0) as "calendarNumber"
     from pipelines p left join calendars c on c.id = p.calendar_id where p.id = any($1)`,
    [ids],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/** Names out of `names` that pipelines of other sources hold. */
export async function ownedElsewhere(
  db: pg.ClientBase,
  sourceId: number,
  names: readonly string[],
): Promise<Map<string, string>> {
  const { rows } = await db.query(
    `select p.name, s.name as source from pipelines p join sources s on s.id = p.source_id
     where p.name = any($2) and p.source_id <> $1 and p.retired_at is null`,
    [sourceId, names],
  );
  return new Map(rows.map((row) => [row.name, row.source]));
}

/** Digests out of `digests` whose bundles the store lacks, so that only new ones are packed and sent. */
export async function missingBundles(db: pg.ClientBase, digests: readonly string[]): Promise<Set<string>> {
  const { rows } = await db.query(
    'select d from unnest($1::text[]) as d where not exists (select from bundles where digest = d)',
    [digests],
  );
  return new Set(rows.map((row) => row.d));
}

export async function saveBundles(
  db: pg.ClientBase,
  bundles: readonly { digest: string; content: Buffer }[],
): Promise<void> {
  await db.query(
    'insert into bundles (digest, content) select * from unnest($1::text[], $2::bytea[]) on conflict do nothing',
    [bundles.map((bundle) => bundle.digest), bundles.map((bundle) => bundle.content)],
  );
}

/** The gzipped JSON of a bundle. */
export async function readBundle(db: pg.Pool, digest: string): Promise<Buffer> {
  const { rows } = await db.query('select content from bundles where digest = $1', [digest]);
  if (rows.length === 0) throw new Error(`bundle ${digest} is not in the store`);
  return rows[0].content;
}

/** Inserts pipelines that are new (also such as come back from another source that retired them); returns ids by name. */
export async function savePipelines(
  db: pg.ClientBase,
  sourceId: number,
  pipelines: readonly { name: string; file: string }[],
): Promise<Map<string, number>> {
  const { rows } = await db.query(
    `insert into pipelines (name, source_id, file)
     select name, $1, file from jsonb_to_recordset($2) as p(name text, file text)
     on conflict (name) do update set source_id = excluded.source_id, file = excluded.file
     returning id, name`,
    [sourceId, JSON.stringify(pipelines)],
  );
  return new Map(rows.map((row) => [row.name, row.id]));
}

/** Begins new calendars; returns their ids by pipeline id. */
export async function saveCalendars(
  db: pg.ClientBase,
  calendars: readonly { pipelineId: number; number: number; spec: CalendarSpec; beginsAt: Date }[],
): Promise<Map<number, number>> {
  const { rows } = await db.query(
    `insert into calendars (pipeline_id, number, spec, begins_at)
     select "pipelineId", number, spec, "beginsAt"
     from jsonb_to_recordset($1) as c("pipelineId" int, number int, spec jsonb, "beginsAt" timestamptz)
     returning id, pipeline_id`,
    [JSON.stringify(calendars)],
  );
  return new Map(rows.map((row) => [row.pipeline_id, row.id]));
}

export type PipelineUpdate = {
  readonly id: number;
  readonly file: string;
  readonly versionId: number;
  /** What the manifest says; null leaves it to kubectl, or takes back what the version before said. */
  readonly suspended: boolean | null;
  readonly calendarId: number | null;
  readonly cursorAt: Date | null;
};

/** Points pipelines at their new version. `schedule` looks at them at once, also by a clock that was set back since, and sets the true time. */
export async function pointPipelines(
  db: pg.ClientBase,
  revisionId: number,
  updates: readonly PipelineUpdate[],
): Promise<void> {
  await db.query(
    `update pipelines p set file = u.file, version_id = u."versionId", revision_id = $2, calendar_id = u."calendarId",
       suspended = coalesce(u.suspended, p.suspended and p.retired_at is null
         and not exists (select from versions v where v.id = p.version_id and v.details ? 'suspend')),
       cursor_at = coalesce(u."cursorAt", p.cursor_at),
       next_due_at = case when u."calendarId" is null then null else least(now(), coalesce(u."cursorAt", p.cursor_at)) end,
       ready = true, retired_at = null, schedule_failed_at = null, schedule_failure = null
     from jsonb_to_recordset($1) as u(id int, file text, "versionId" bigint, suspended boolean, "calendarId" bigint, "cursorAt" timestamptz)
     where p.id = u.id`,
    [JSON.stringify(updates), revisionId],
  );
}

/** Pipelines whose manifest has problems go on with their last good version; a mended one is marked ready again. */
export async function markReadiness(
  db: pg.ClientBase,
  changes: readonly { id: number; ready: boolean; file: string }[],
): Promise<void> {
  await db.query(
    `update pipelines p set ready = c.ready, file = c.file
     from jsonb_to_recordset($1) as c(id int, ready boolean, file text) where p.id = c.id`,
    [JSON.stringify(changes)],
  );
}

/** Pipelines whose manifest is gone: the schedule stops, history stays, the name can come back. */
export async function retirePipelines(db: pg.ClientBase, ids: readonly number[]): Promise<void> {
  await db.query(
    'update pipelines set retired_at = now(), next_due_at = null where id = any($1) and retired_at is null',
    [ids],
  );
}
