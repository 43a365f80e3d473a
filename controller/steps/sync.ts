import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { Failpoint } from '../../schemas/failpoints.ts';
import type { CompiledPipeline, CompiledPool, Problem } from '../../schemas/generated/types.ts';
import type { Source } from '../git/source.ts';
import type { CompiledBackfill } from '../manifests/check-backfill.ts';
import { compile } from '../manifests/compile.ts';
import type { TaskPlace } from '../manifests/place.ts';
import { writeAudit } from '../store/audit.ts';
import * as catalog from '../store/catalog.ts';
import { transaction } from '../store/pool.ts';
import { type PoolChange, savePools } from '../store/pools.ts';
import { cancelQueuedOf } from '../store/runs.ts';
import { fillDataDigests, saveVersions } from '../store/versions.ts';
import { type Change, compareCatalog } from './catalog-changes.ts';
import { done, type PassResult, type Step, type Wake } from './step.ts';
import { syncBackfills } from './sync-backfills.ts';

const gzipAsync = promisify(gzip);
/** Of thousands of new versions only so many are held as rows, and one at a time is packed: each takes memory of its own. */
const versionsAtOnce = 200;

export type SyncOptions = {
  readonly pool: pg.Pool;
  readonly source: Source;
  /** Where tasks run: what it refuses is a problem. */
  readonly place: TaskPlace;
  readonly wake: Wake;
  readonly failpoint: Failpoint;
  readonly log: Logger;
  /** Among replicas: throws, inside the writing transaction, when another one owns the source by now. */
  readonly assertOwner?: (db: pg.ClientBase) => Promise<void>;
  /** Among replicas: another one for each time that this one began to own the source. */
  readonly term?: () => number | undefined;
};

/** A folder or a commit with manifests → one revision per content, one version per changed digest, problems; and what is gone retires. */
export function createSync(options: SyncOptions): Step {
  const { source, place, wake, log } = options;
  let last: string | null = null;
  let lastTerm: number | undefined;
  return {
    name: 'sync',
    everyMs: source.everyMs,
    async pass(signal): Promise<PassResult> {
      const folder = await source.read(signal);
      const term = options.term?.();
      // Another replica may have synced meanwhile, with another folder or another policy.
      if (folder.digest === last && term === lastTerm) return done();
      const compiled = compile({ files: folder.files, place });
      const problems = [...folder.problems, ...compiled.problems];
      // What could not be listed may hold any pipeline, so nothing counts as gone.
      const unreadable = compiled.unreadable || !folder.complete;
      const changes = await apply(options, { ...compiled, revision: folder.revision, problems, unreadable });
      last = folder.digest;
      lastTerm = term;
      report(log, source.location, compiled.pipelines.length, problems, changes);
      // Other limits may let in what waited.
      wake('intake', 'schedule', 'advance', 'admit', 'launch');
      return done();
    },
  };
}

type Compiled = {
  readonly revision: string;
  readonly pipelines: readonly CompiledPipeline[];
  readonly pools: readonly CompiledPool[];
  readonly brokenPools: readonly string[];
  readonly backfills: readonly CompiledBackfill[];
  readonly brokenBackfills: readonly string[];
  readonly problems: readonly Problem[];
  readonly broken: readonly string[];
  readonly unreadable: boolean;
};

/** One transaction: a revision applies for all its good pipelines, or, after a crash, again from the start. */
async function apply(
  { pool, source: { kind, location }, failpoint, assertOwner }: SyncOptions,
  compiled: Compiled,
): Promise<Change[]> {
  const changes = await transaction(pool, async (db) => {
    await assertOwner?.(db);
    const { rows } = await db.query('select now() as now');
    const source = await catalog.lockSource(db, { name: 'local', kind, location });
    const revisionId = await catalog.recordRevision(db, source.id, compiled.revision, location);
    const elsewhere = await catalog.ownedElsewhere(
      db,
      source.id,
      compiled.pipelines.map((pipeline) => pipeline.name),
    );
    const own = compiled.pipelines.filter((pipeline) => !elsewhere.has(pipeline.name));
    await catalog.replaceProblems(db, source.id, [...compiled.problems, ...taken(compiled.pipelines, elsewhere)]);
    const changes = compareCatalog({
      ...compiled,
      pipelines: own,
      rows: await catalog.readCatalog(db, source.id),
      now: rows[0].now,
    });
    const { pools, brokenPools, unreadable } = compiled;
    const poolChanges = await savePools(db, source.id, pools, unreadable ? null : brokenPools);
    await fillDataDigests(db, own);
    const versions = changes.filter((change) => change.kind === 'version');
    for (let from = 0; from < versions.length; from += versionsAtOnce)
      await applyVersions(db, source.id, revisionId, versions.slice(from, from + versionsAtOnce));
    await catalog.markReadiness(
      db,
      changes.flatMap((change) => (change.kind === 'readiness' ? [change] : [])),
    );
    const retired = changes.flatMap((change) => (change.kind === 'retired' ? [change.id] : []));
    await catalog.retirePipelines(db, retired);
    await cancelQueuedOf(db, retired, 'PipelineRetired');
    await syncBackfills(db, source.id, withoutForeign(compiled, elsewhere));
    await writeAudit(db, [...changes.flatMap(auditRow), ...poolChanges.map(auditPool)]);
    failpoint('sync.before-commit');
    return changes;
  });
  failpoint('sync.after-commit');
  return changes;
}

async function applyVersions(
  db: pg.ClientBase,
  sourceId: number,
  revisionId: number,
  changes: readonly Extract<Change, { kind: 'version' }>[],
): Promise<void> {
  const missing = await catalog.missingBundles(db, [...new Set(changes.map(({ compiled }) => compiled.bundleDigest))]);
  const bundles = new Map(changes.map(({ compiled }) => [compiled.bundleDigest, compiled.bundle]));
  const packed: { digest: string; content: Buffer }[] = [];
  for (const digest of missing)
    packed.push({ digest, content: await gzipAsync(JSON.stringify(bundles.get(digest)), { level: 4 }) });
  await catalog.saveBundles(db, packed);
  const ids = await catalog.savePipelines(
    db,
    sourceId,
    changes.map(({ compiled }) => compiled),
  );
  const idOf = (change: { compiled: CompiledPipeline }) => ids.get(change.compiled.name) as number;
  const versions = await saveVersions(
    db,
    revisionId,
    changes.map((change) => ({ pipelineId: idOf(change), compiled: change.compiled })),
  );
  const calendars = await catalog.saveCalendars(
    db,
    changes.flatMap((change) => (change.newCalendar ? [{ pipelineId: idOf(change), ...change.newCalendar }] : [])),
  );
  await catalog.pointPipelines(
    db,
    changes.map((change) => ({
      id: idOf(change),
      file: change.compiled.file,
      versionId: versions.get(idOf(change)) as number,
      suspended: change.compiled.suspend ?? null,
      calendarId: calendars.get(idOf(change)) ?? change.calendarId,
      cursorAt: change.cursorAt,
    })),
  );
}

function taken(pipelines: readonly CompiledPipeline[], elsewhere: ReadonlyMap<string, string>): Problem[] {
  return pipelines
    .filter((pipeline) => elsewhere.has(pipeline.name))
    .map(({ name, file, line }) => ({
      file,
      line,
      column: 1,
      code: 'duplicate-name',
      pipeline: name,
      message: `pipeline "${name}" is owned by source "${elsewhere.get(name)}", which keeps it; rename this one or remove the other`,
    }));
}

/** A pipeline that another source keeps is not this one's to run. */
function withoutForeign(compiled: Compiled, elsewhere: ReadonlyMap<string, string>): Compiled {
  const foreign = compiled.backfills.filter(({ spec }) => elsewhere.has(spec.pipeline));
  return {
    ...compiled,
    backfills: compiled.backfills.filter((backfill) => !foreign.includes(backfill)),
    brokenBackfills: [...compiled.brokenBackfills, ...foreign.map(({ name }) => name)],
  };
}

function auditRow(change: Change) {
  if (change.kind === 'readiness') return [];
  const details = change.kind === 'version' ? { version: change.compiled.digest } : {};
  return [{ actor: 'sync', verb: change.kind, subjectKind: 'pipeline' as const, subject: change.name, details }];
}

function auditPool({ name, slots }: PoolChange) {
  const [verb, details] = slots === null ? ['retired', {}] : ['pool', { slots }];
  return { actor: 'sync', verb, subjectKind: 'pool' as const, subject: name, details };
}

function report(
  log: Logger,
  source: string,
  pipelines: number,
  problems: readonly Problem[],
  changes: readonly Change[],
): void {
  log.info({ source, pipelines, problems: problems.length, changed: changes.length }, 'source synced');
  for (const { file, line, column, message } of problems) log.error(`${file}:${line}:${column}: ${message}`);
}
