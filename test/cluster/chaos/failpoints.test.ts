import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobKind } from '../../../controller/executors/jobs/kinds.ts';
import { attemptOf } from '../../../controller/executors/jobs/labels.ts';
import { createKubernetes, type Kubernetes, type Resource } from '../../../controller/kubernetes/client.ts';
import { failpoints } from '../../../schemas/failpoints.ts';
import { createTestDatabase } from '../../support/postgres.ts';
import { installDefinitions } from '../custom-resources.ts';
import { type ControlPlane, firstStart, startControlPlane } from '../support/control-plane.ts';
import { expectOneJobEach, leftOver, unsettled } from './end-state.ts';
import { recordJobs } from './jobs.ts';
import { createReplica, freePort, type Replica } from './replicas.ts';
import { playRunners } from './runners.ts';

const namespace = 'default';
const soon = { timeout: 60_000, interval: 50 };
const names = failpoints.filter((name) => /^(launch|jobs|fence|observe|receive|publish)\./.test(name));
const pipelineOf = (name: string) => `at-${name.replaceAll('.', '-')}`;

let plane: ControlPlane;
let kubernetes: Kubernetes;
let folder: string;
let store: Awaited<ReturnType<typeof createTestDatabase>>;
let pool: pg.Pool;
let replica: Replica;
const stop = new AbortController();

beforeAll(async () => {
  plane = await startControlPlane();
  if (!plane.jobController) throw new Error('these tests need the Job controller; unset KUBEBUILDER_ASSETS');
  await installDefinitions(plane);
  await plane.kubectl(['create', 'namespace', 'shown']);
  kubernetes = createKubernetes({ kubeconfig: plane.kubeconfig, log: pino({ level: 'silent' }) });
  folder = await mkdtemp(join(tmpdir(), 'pipewright-failpoints-'));
  await mkdir(join(folder, 'pipelines'));
  store = await createTestDatabase();
  pool = new pg.Pool({ connectionString: store.url, max: 2 });
  const reportPort = await freePort();
  replica = await createReplica({
    name: 'controller',
    folder,
    kubeconfig: plane.kubeconfig,
    databaseUrl: store.url,
    jobs: { namespace, resources: 'shown', image: 'nowhere/runner:1', reportUrl: `http://127.0.0.1:${reportPort}` },
    reportPort,
  });
}, firstStart);

afterAll(async () => {
  stop.abort();
  await replica?.stop();
  await pool?.end();
  await store?.drop();
  await plane?.stop();
  if (folder) await rm(folder, { recursive: true });
});

async function begin(pipeline: string, schedule: string): Promise<void> {
  const manifest = `apiVersion: pipewright.dev/v1alpha1
kind: Pipeline
metadata: { name: ${pipeline} }
spec:
${schedule}  blocks:
    - name: one
      load: { inline: { rows: [{ n: 1 }] } }
`;
  await writeFile(join(folder, 'pipelines', `${pipeline}.yaml`), manifest);
}

const once = '  schedule: { every: day, startAt: 2019-01-01, endAt: 2019-01-02, catchUp: all }\n';

/** It waits until somebody takes its Job away. */
const isFirstOfFence = (pod: Resource) =>
  pod.metadata.labels?.['pipewright.dev/pipeline'] === pipelineOf('fence.before-effect') &&
  attemptOf(pod)?.endsWith('.1') === true;

async function deleteJobOf(pipeline: string): Promise<void> {
  const labels = `pipewright.dev/pipeline=${pipeline}`;
  await expect.poll(() => kubernetes.list(jobKind, { namespace, labels }), soon).toHaveLength(1);
  await plane.kubectl(['delete', 'job', '-l', labels, '--wait=false']);
}

/** Ends the tenures of whoever was just killed, so that nobody has to wait for them to run out. */
const endTerms = () => pool.query(`update pipewright.leaders set expires_at = '-infinity'`).catch(() => {});

test('a controller killed at every place where it acts on the cluster leaves the same end state', {
  timeout: 300_000,
}, async () => {
  const jobs = recordJobs({ kubernetes, namespace, signal: stop.signal });
  void playRunners({ kubernetes, namespace, holds: isFirstOfFence, signal: stop.signal });
  await begin('asked', '');
  const asked: string[] = [];
  for (const name of names) {
    const mark = join(folder, name);
    const ended = replica.run({ environment: { PIPEWRIGHT_FAILPOINT: name, PIPEWRIGHT_FAILPOINT_ONCE: mark } });
    await begin(pipelineOf(name), once);
    // The one after it is passed with what this one leaves.
    if (name === 'fence.before-effect') await deleteJobOf(pipelineOf(name));
    if (name.startsWith('receive.')) {
      const pipeline = name === 'receive.after-refusal' ? 'nowhere' : 'asked';
      await plane.kubectl(['-n', 'shown', 'create', '-f', '-'], ask(pipelineOf(name), pipeline));
      if (pipeline === 'asked') asked.push(pipelineOf(name));
    }
    expect(await ended).toBe('SIGKILL');
    expect(existsSync(mark), `failpoint ${name} was never passed`).toBe(true);
    await endTerms();
  }
  replica.start();

  const succeeded = async () =>
    (await pool.query(`select count(*)::int as n from pipewright.runs where phase = 'Succeeded'`)).rows[0].n;
  await expect.poll(succeeded, { ...soon, timeout: 120_000 }).toBe(names.length + asked.length);
  const scene = { pool, kubernetes, namespace, jobs };
  expect(await unsettled(scene)).toEqual([]);
  await expectOneJobEach(scene);
  await expect.poll(() => leftOver(scene), soon).toEqual([]);
  await expect.poll(shown, soon).toEqual(['Failed Refused', ...Array(names.length + asked.length).fill('Succeeded ')]);
  const dirty = async () => (await pool.query('select kind, id from pipewright.dirty')).rows;
  await expect.poll(dirty, soon).toEqual([]);
});

function ask(name: string, pipeline: string): string {
  return JSON.stringify({
    apiVersion: 'pipewright.dev/v1alpha1',
    kind: 'PipelineRun',
    metadata: { name },
    spec: { pipeline },
  });
}

async function shown(): Promise<string[]> {
  const { items } = JSON.parse(await plane.kubectl(['-n', 'shown', 'get', 'pipelineruns', '-o', 'json']));
  return items
    .map(
      ({ status = {} }: { status?: { phase?: string; reason?: string } }) => `${status.phase} ${status.reason ?? ''}`,
    )
    .sort();
}
