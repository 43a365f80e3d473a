import type pg from 'pg';
import type { TaskPhase } from '../../schemas/generated/types.ts';

/** A task of a run, and the run that executed it: another one where it was itself taken over. */
export type FormerTask = { readonly name: string; readonly phase: TaskPhase; readonly executedBy: number };

export async function readFormerTasks(db: pg.ClientBase, runId: number): Promise<FormerTask[]> {
  const { rows } = await db.query(
    `select name, phase, coalesce(taken_from, run_id) as "executedBy" from tasks where run_id = $1 order by position`,
    [runId],
  );
  return rows;
}

/** The bundles of versions, gzipped JSON, by version id. */
export async function readVersionBundles(
  db: pg.ClientBase,
  versionIds: readonly number[],
): Promise<Map<number, { digest: string; content: Buffer }>> {
  const { rows } = await db.query(
    `select v.id, b.digest, b.content from versions v join bundles b on b.digest = v.bundle_digest where v.id = any($1)`,
    [versionIds],
  );
  return new Map(rows.map(({ id, ...bundle }) => [id, bundle]));
}

/**
 * Gives a queued run tasks that succeeded in a former one, each with a copy of the attempt that did it. The rest of its tasks are
 * made when it is admitted, from the version that it keeps.
 */
export async function takeOverTasks(
  db: pg.ClientBase,
  { runId, from, versionId, tasks }: { runId: number; from: number; versionId: number; tasks: readonly string[] },
): Promise<void> {
  if (tasks.length === 0) return;
  const { rowCount } = await db.query(
    `with former as (
       select * from tasks where run_id = $2 and phase = 'Succeeded' and name = any($4)
     ), copied as (
       insert into attempts (run_id, task, number, phase, created_at, launched_at, finished_at, report, place)
       select $1::bigint, f.name, 1, a.phase, a.created_at, a.launched_at, a.finished_at, a.report, a.place
       from former f join attempts a on a.run_id = f.run_id and a.task = f.name and a.number = f.attempts
     )
     insert into tasks (run_id, name, position, blocks, needs, phase, attempts, started_at, finished_at, taken_from)
     select $1::bigint, d.name, d.position, d.blocks, d.needs, f.phase, least(f.attempts, 1), f.started_at, f.finished_at,
       coalesce(f.taken_from, f.run_id)
     from former f join version_tasks d on d.version_id = $3 and d.name = f.name`,
    [runId, from, versionId, tasks],
  );
  if (rowCount !== tasks.length) throw new Error(`tasks of run ${from} changed while a rerun took them over`);
}
