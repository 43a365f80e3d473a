import { expect } from 'vitest';
import { jobKind, podKind } from '../../../controller/executors/jobs/kinds.ts';
import { attemptOf } from '../../../controller/executors/jobs/labels.ts';
import type { Resource } from '../../../controller/kubernetes/client.ts';
import type { Installation } from './installation.ts';
import { tableOf } from './pipelines.ts';
import { rowsPerFile } from './source.ts';

type Scene = Pick<Installation, 'pool' | 'kubernetes' | 'namespace' | 'jobs'>;

/** Resolves when every window has succeeded; throws with the controllers' logs where that takes longer. */
export async function untilDone(installation: Installation, withinMs: number): Promise<void> {
  const all = [...installation.expected.values()].reduce((sum, windows) => sum + windows, 0);
  const done = async () => {
    const { rows } = await installation.pool.query(
      `select count(*)::int as n from pipewright.windows where phase = 'Succeeded' and live_run_id is null`,
    );
    return rows[0].n;
  };
  try {
    await expect.poll(() => done().catch((error) => String(error)), { timeout: withinMs, interval: 250 }).toBe(all);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${(await installation.logs()).slice(-20_000)}`);
  }
}

/**
 * What must hold after any chaos, of all that has ever run here: one succeeded run per window, one Job per attempt, exactly the
 * right rows in the target, and nothing stuck: no live attempt, no claim, no Job that runs, no pod left over.
 */
export async function expectSettled(installation: Installation): Promise<void> {
  expect(await unsettled(installation)).toEqual([]);
  for (const [name, windows] of installation.expected) await expectPipeline(installation, name, windows);
  await expectOneJobEach(installation);
  await expect.poll(() => leftOver(installation), { timeout: 60_000, interval: 250 }).toEqual([]);
  await expect
    .poll(() => shown(installation), { timeout: 30_000, interval: 250 })
    .toEqual(
      [...installation.expected.entries()]
        .sort()
        .map(([name, windows]) => ({ name, phases: Array(windows).fill('Succeeded') })),
    );
}

/** What of the ledger is not as it should be at the end. */
export async function unsettled({ pool }: Scene): Promise<unknown[]> {
  const { rows } = await pool.query(
    `select run_id, task, number::text, phase from pipewright.attempts where phase in ('Claimed', 'Running') or claimed_until is not null
     union all select run_id, name, attempts::text, phase from pipewright.tasks where phase <> 'Succeeded'
     union all select run_id, task, 'twice', phase from pipewright.attempts where phase = 'Succeeded' group by 1, 2, 4 having count(*) > 1
     union all select id, name, run_no::text, phase from pipewright.runs where phase <> 'Succeeded'`,
  );
  return rows;
}

async function expectPipeline({ pool }: Installation, name: string, windows: number): Promise<void> {
  const { rows } = await pool.query(
    `select w.phase, w.live_run_id as live, w.last_run_no::int as runs,
            (select count(*)::int from pipewright.runs r where r.pipeline_id = w.pipeline_id and r.window_start = w.start_at) as seen
     from pipewright.windows w join pipewright.pipelines p on p.id = w.pipeline_id where p.name = $1`,
    [name],
  );
  expect(rows).toEqual(Array(windows).fill({ phase: 'Succeeded', live: null, runs: 1, seen: 1 }));
  const days = await pool.query(
    `select day, count(*)::int as count, count(distinct n)::int as distinct, sum(n)::int as sum from ${tableOf(name)} group by 1 order by 1`,
  );
  expect(days.rows).toEqual(
    Array.from({ length: windows }, (_, at) => ({
      day: new Date(Date.UTC(2019, 0, 1 + at)).toISOString().slice(0, 10),
      count: rowsPerFile,
      distinct: rowsPerFile,
      sum: (rowsPerFile * (rowsPerFile + 1)) / 2,
    })),
  );
}

export async function expectOneJobEach({ pool, kubernetes, namespace, jobs }: Scene): Promise<void> {
  const { rows } = await pool.query(
    `select run_id || '.' || task || '.' || number as id, phase from pipewright.attempts`,
  );
  const made = rows.map(({ id, phase }) => ({ id, phase, jobs: jobs.madeFor(id) }));
  // One that was lost may have been given up before its Job was made.
  expect(made.filter(({ phase, jobs: count }) => count > 1 || (count === 0 && phase !== 'Lost'))).toEqual([]);
  const known = new Set(rows.map(({ id }) => id));
  expect((await kubernetes.list(jobKind, { namespace })).map(attemptOf).filter((id) => !known.has(id))).toEqual([]);
}

/** Jobs that have not ended, pods that have not, pods whose Job is gone, and objects that wait for a finalizer. */
export async function leftOver({ kubernetes, namespace }: Scene): Promise<string[]> {
  const jobs = await kubernetes.list(jobKind, { namespace });
  const pods = await kubernetes.list(podKind, { namespace });
  const uids = new Set(jobs.map(({ metadata }) => metadata.uid));
  const stays = ({ metadata }: Resource) => metadata.deletionTimestamp === undefined;
  return [
    ...jobs.filter((job) => !stays(job) || !hasEnded(job)),
    ...pods.filter((pod) => !stays(pod) || !isOver(pod) || !uids.has(pod.metadata.ownerReferences?.[0]?.uid)),
  ].map(({ kind, metadata }) => `${kind} ${metadata.name}`);
}

function hasEnded({ status }: Resource): boolean {
  const { conditions = [] } = (status ?? {}) as { conditions?: { type: string; status: string }[] };
  return conditions.some(({ type, status: is }) => ['Complete', 'Failed'].includes(type) && is === 'True');
}

function isOver({ status }: Resource): boolean {
  return ['Succeeded', 'Failed'].includes((status as { phase?: string } | undefined)?.phase ?? '');
}

/** What kubectl shows of the runs. */
async function shown({ cluster, name: namespace }: Installation): Promise<{ name: string; phases: string[] }[]> {
  const text = await cluster.kubectl(['-n', namespace, 'get', 'pipelineruns', '-o', 'json']);
  const runs = (JSON.parse(text) as { items: Resource[] }).items;
  const byPipeline = Map.groupBy(runs, ({ spec }) => (spec as { pipeline: string }).pipeline);
  return [...byPipeline].sort().map(([name, its]) => ({
    name,
    phases: its.map(({ status }) => (status as { phase?: string } | undefined)?.phase ?? ''),
  }));
}
