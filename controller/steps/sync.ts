import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { Failpoint } from '../../schemas/failpoints.ts';
import type { CompiledPipeline, Problem } from '../../schemas/generated/types.ts';
import { readFolder } from '../git/folder.ts';
import { compile } from '../manifests/compile.ts';
import { writeAudit } from '../store/audit.ts';
import * as catalog from '../store/catalog.ts';
import { transaction } from '../store/pool.ts';
import { cancelQueuedOf } from '../store/runs.ts';
import { type Change, compareCatalog } from './catalog-changes.ts';
import { done, type PassResult, type Step, type Wake } from './step.ts';

const gzipAsync = promisify(gzip);

export type SyncOptions = {
  readonly pool: pg.Pool;
  readonly dir: string;
  readonly wake: Wake;
  readonly failpoint: Failpoint;
  readonly log: Logger;
  /** Among replicas: throws, inside the writing transaction, when another one owns the source by now. */
  readonly assertOwner?: (db: pg.ClientBase) => Promise<void>;
};

/** A folder with manifests → one revision per content, one version per changed digest, problems; and what is gone retires. */
export function createSync(options: SyncOptions): Step {
  const { dir, wake, log } = options;
  let last: string | null = null;
  return {
    name: 'sync',
    everyMs: 60_000,
    async pass(): Promise<PassResult> {
      const folder = await readFolder(dir);
      if (folder.digest === last) return done();
      const compiled = compile(folder.files);
      const problems = [...folder.problems, ...compiled.problems];
      // What could not be listed may hold any pipeline, so nothing counts as gone.
      const unreadable = compiled.unreadable || !folder.complete;
      const changes = await apply(options, { ...compiled, digest: folder.digest, problems, unreadable });
      last = folder.digest;
      report(log, dir, compiled.pipelines.length, problems, changes);
      wake('schedule', 'advance');
      return done();
    },
  };
}

type Compiled = {
  readonly digest: string;
  readonly pipelines: readonly CompiledPipeline[];
  readonly problems: readonly Problem[];
  readonly broken: readonly string[];
  readonly unreadable: boolean;
};

/** One transaction: a revision applies for all its good pipelines, or, after a crash, again from the start. */
async function apply({ pool, dir, failpoint, assertOwner }: SyncOptions, compiled: Compiled): Promise<Change[]> {
  const changes = await transaction(pool, async (db) => {
    await assertOwner?.(db);
    const { rows } = await db.query('select now() as now');
    const source = await catalog.lockSource(db, { name: 'local', kind: 'folder', location: dir });
    const revisionId = await catalog.recordRevision(db, source.id, compiled.digest, dir);
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
    await applyVersions(
      db,
      source.id,
      revisionId,
      changes.flatMap((change) => (change.kind === 'version' ? [change] : [])),
    );
    await catalog.markReadiness(
      db,
      changes.flatMap((change) => (change.kind === 'readiness' ? [change] : [])),
    );
    const retired = changes.flatMap((change) => (change.kind === 'retired' ? [change.id] : []));
    await catalog.retirePipelines(db, retired);
    await cancelQueuedOf(db, retired, 'PipelineRetired');
    await writeAudit(db, changes.flatMap(auditRow));
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
  if (changes.length === 0) return;
  const missing = await catalog.missingBundles(db, [...new Set(changes.map(({ compiled }) => compiled.bundleDigest))]);
  const bundles = new Map(changes.map(({ compiled }) => [compiled.bundleDigest, compiled.bundle]));
  await catalog.saveBundles(
    db,
    await Promise.all(
      [...missing].map(async (digest) => ({
        digest,
        content: await gzipAsync(JSON.stringify(bundles.get(digest)), { level: 4 }),
      })),
    ),
  );
  const ids = await catalog.savePipelines(
    db,
    sourceId,
    changes.map(({ compiled }) => compiled),
  );
  const idOf = (change: { compiled: CompiledPipeline }) => ids.get(change.compiled.name) as number;
  const versions = await catalog.saveVersions(
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
      suspended: change.compiled.suspend,
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

function auditRow(change: Change) {
  if (change.kind === 'readiness') return [];
  const details = change.kind === 'version' ? { version: change.compiled.digest } : {};
  return [{ actor: 'sync', verb: change.kind, subjectKind: 'pipeline' as const, subject: change.name, details }];
}

function report(
  log: Logger,
  dir: string,
  pipelines: number,
  problems: readonly Problem[],
  changes: readonly Change[],
): void {
  log.info({ dir, pipelines, problems: problems.length, changed: changes.length }, 'folder synced');
  for (const { file, line, column, message } of problems) log.error(`${file}:${line}:${column}: ${message}`);
}
