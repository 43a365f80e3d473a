import type pg from 'pg';
import type { Logger } from 'pino';
import type { Failpoint } from '../../schemas/failpoints.ts';
import type { CompiledPipeline, Problem } from '../../schemas/generated/types.ts';
import type { Source, SourceRead } from '../git/source.ts';
import type { Compilation } from '../manifests/compile.ts';
import type { TaskPlace } from '../manifests/place.ts';
import { writeAudit } from '../store/audit.ts';
import * as catalog from '../store/catalog.ts';
import { transaction } from '../store/pool.ts';
import { type PoolChange, savePools } from '../store/pools.ts';
import { cancelRunsOf } from '../store/runs.ts';
import { type RemovedSource, recordRevision } from '../store/sources.ts';
import { fillDataDigests } from '../store/versions.ts';
import { type Change, type Comparison, compareCatalog } from './catalog-changes.ts';
import { queueCommitStatus } from './commit-status.ts';
import { syncBackfills } from './sync-backfills.ts';
import { applyVersions } from './sync-versions.ts';

export type ApplyOptions = {
  readonly pool: pg.Pool;
  /** Where tasks run: what it refuses is a problem. */
  readonly place: TaskPlace;
  readonly failpoint: Failpoint;
  readonly log: Logger;
  /** Among replicas: throws, inside the writing transaction, when another one owns the sources by now. */
  readonly assertOwner?: ((db: pg.ClientBase) => Promise<void>) | undefined;
};

/** What other sources may need to know of one that was applied. */
export type Applied = {
  /** Names that are free from now on. */
  readonly retired: readonly string[];
  /** Names that it has and that another source keeps. */
  readonly taken: readonly string[];
};

/** What was read of a source → one revision per content, one version per changed digest, problems; and what is gone retires. */
export async function applySource(
  options: ApplyOptions,
  source: Source,
  read: SourceRead,
  compiled: Compilation,
): Promise<Applied> {
  const problems = [...read.problems, ...compiled.problems];
  // What could not be listed may hold any pipeline, so nothing counts as gone.
  const unreadable = compiled.unreadable || !read.complete;
  const { changes, taken } = await apply(options, source, { ...compiled, read, problems, unreadable });
  report(options.log, source, compiled.pipelines.length, problems, changes);
  return { taken, retired: changes.flatMap((change) => (change.kind === 'retired' ? [change.name] : [])) };
}

type Compiled = Compilation & { readonly read: SourceRead };

/** One transaction: a revision applies for all its good pipelines, or, after a crash, again from the start. */
async function apply(
  { pool, failpoint, assertOwner }: ApplyOptions,
  { name, kind, location, prune, status }: Source,
  compiled: Compiled,
): Promise<{ changes: Change[]; taken: string[] }> {
  const applied = await transaction(pool, async (db) => {
    await assertOwner?.(db);
    const source = await catalog.lockSource(db, { name, kind, location });
    const revisionId = await recordRevision(db, source.id, compiled.read);
    const rows = await catalog.readCatalog(db, source.id);
    const elsewhere = await ownedElsewhere(db, source.id, { rows, pipelines: compiled.pipelines });
    const own = compiled.pipelines.filter((pipeline) => !elsewhere.has(pipeline.name));
    const problems = [...compiled.problems, ...taken(compiled.pipelines, elsewhere)];
    await catalog.replaceProblems(db, source.id, revisionId, problems);
    const changes = compareCatalog({ ...compiled, pipelines: own, rows });
    await catalog.lockPipelines(
      db,
      changes.flatMap(({ id }) => id ?? []),
    );
    const { pools, brokenPools, unreadable } = compiled;
    const poolChanges = await savePools(db, source.id, pools, unreadable ? null : brokenPools);
    await fillDataDigests(db, lackingDataDigest(own, rows));
    await applyVersions(db, { sourceId: source.id, revisionId, changes });
    await catalog.markReadiness(
      db,
      changes.flatMap((change) => (change.kind === 'readiness' ? [change] : [])),
    );
    const retired = changes.flatMap((change) => (change.kind === 'retired' ? [change.id] : []));
    await retire(db, retired, prune);
    await syncBackfills(db, source.id, withoutForeign(compiled, elsewhere));
    await writeAudit(db, [...changes.flatMap(auditRow), ...poolChanges.map(auditPool)]);
    const good = { commit: compiled.read.revision, pipelines: own.length };
    if (status) await queueCommitStatus(db, source.id, { ...good, problems, changes });
    failpoint('sync.before-commit');
    return { changes, taken: [...elsewhere.keys()] };
  });
  failpoint('sync.after-commit');
  return applied;
}

/** Which names other sources keep. A name that this one has is nobody else's. */
async function ownedElsewhere(
  db: pg.ClientBase,
  sourceId: number,
  { rows, pipelines }: Pick<Comparison, 'rows' | 'pipelines'>,
): Promise<Map<string, string>> {
  const own = new Set(rows.map((row) => row.name));
  const others = pipelines.map((pipeline) => pipeline.name).filter((name) => !own.has(name));
  return others.length === 0 ? new Map() : catalog.ownedElsewhere(db, sourceId, others);
}

/** Those whose version is older than the digest of data, and is the one that they have now. */
function lackingDataDigest(
  pipelines: readonly CompiledPipeline[],
  rows: readonly catalog.CatalogRow[],
): CompiledPipeline[] {
  const lacking = new Set(rows.flatMap((row) => (row.digest !== null && !row.hasDataDigest ? [row.name] : [])));
  return pipelines.filter((pipeline) => lacking.has(pipeline.name));
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

/** Of pipelines that the caller has locked: what is queued of them will never be admitted. */
async function retire(db: pg.ClientBase, ids: readonly number[], prune: Source['prune']): Promise<void> {
  await catalog.retirePipelines(db, ids);
  await cancelRunsOf(db, ids, 'Queued', 'PipelineRetired');
  if (prune === 'cancel') await cancelRunsOf(db, ids, 'Running', 'PipelineRetired');
}

/** Ends what sources that nobody declares any more have brought. Returns the names of pipelines that are free from now on. */
export async function retireSources(db: pg.ClientBase, removed: readonly RemovedSource[]): Promise<string[]> {
  const names: string[] = [];
  for (const { id, name, prune } of removed) {
    const live = (await catalog.readCatalog(db, id)).filter((row) => !row.retired);
    const ids = live.map((row) => row.id);
    await catalog.lockPipelines(db, ids);
    await retire(db, ids, prune);
    await catalog.replaceProblems(db, id, null, []);
    const pools = await savePools(db, id, [], []);
    await syncBackfills(db, id, { backfills: [], brokenBackfills: [], unreadable: false });
    const retired: Change[] = live.map((row) => ({ kind: 'retired', name: row.name, id: row.id }));
    await writeAudit(db, [
      { actor: 'sync', verb: 'removed', subjectKind: 'source', subject: name },
      ...retired.flatMap(auditRow),
      ...pools.map(auditPool),
    ]);
    names.push(...live.map((row) => row.name));
  }
  return names;
}

function report(
  log: Logger,
  { name: source, location }: Source,
  pipelines: number,
  problems: readonly Problem[],
  changes: readonly Change[],
): void {
  log.info({ source, location, pipelines, problems: problems.length, changed: changes.length }, 'source synced');
  for (const { file, line, column, message } of problems) log.error(`${file}:${line}:${column}: ${message}`);
}
