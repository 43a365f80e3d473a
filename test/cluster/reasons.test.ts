import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jobKind, podKind } from '../../controller/executors/jobs/kinds.ts';
import { createKubernetes, type Kubernetes, type Resource } from '../../controller/kubernetes/client.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { createReplica, freePort, type Replica } from './chaos/replicas.ts';
import { report } from './chaos/runners.ts';
import { installDefinitions } from './custom-resources.ts';
import { type ControlPlane, firstStart, startControlPlane } from './support/control-plane.ts';

const namespace = 'reasons-jobs';
const resources = 'reasons';
/** From the moment that the API server shows it. */
const inTime = { timeout: 10_000, interval: 50 };
const soon = { timeout: 30_000, interval: 50 };

let plane: ControlPlane;
let kubernetes: Kubernetes;
let folder: string;
let store: Awaited<ReturnType<typeof createTestDatabase>>;
let pool: pg.Pool;
let replica: Replica;

beforeAll(async () => {
  plane = await startControlPlane();
  if (!plane.jobController) throw new Error('these tests need the Job controller; unset KUBEBUILDER_ASSETS');
  await installDefinitions(plane);
  for (const name of [namespace, resources]) await plane.kubectl(['create', 'namespace', name]);
  await plane.kubectl(['create', '-f', '-'], JSON.stringify(fakeNode));
  kubernetes = createKubernetes({ kubeconfig: plane.kubeconfig, log: pino({ level: 'silent' }) });
  folder = await mkdtemp(join(tmpdir(), 'pipewright-reasons-'));
  await mkdir(join(folder, 'pipelines'));
  store = await createTestDatabase();
  pool = new pg.Pool({ connectionString: store.url, max: 2 });
  const reportPort = await freePort();
  replica = await createReplica({
    name: 'controller',
    folder,
    kubeconfig: plane.kubeconfig,
    databaseUrl: store.url,
    jobs: { namespace, resources, image: 'nowhere/runner:1', reportUrl: `http://127.0.0.1:${reportPort}` },
    reportPort,
  });
  replica.start();
}, firstStart);

afterAll(async () => {
  await replica?.stop();
  await pool?.end();
  await store?.drop();
  await plane?.stop();
  if (folder) await rm(folder, { recursive: true });
});

/** Nobody runs it: what its kubelet would say is said by the tests. */
const fakeNode = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'nobody' },
  spec: { unschedulable: true },
};

/** A pipeline of one run, which begins at once. */
async function begin(name: string): Promise<void> {
  const manifest = `apiVersion: pipewright.dev/v1alpha1
kind: Pipeline
metadata: { name: ${name} }
spec:
  schedule: { every: day, startAt: 2019-01-01, endAt: 2019-01-02, catchUp: all }
  blocks:
    - name: one
      load: { inline: { rows: [{ n: 1 }] } }
`;
  await writeFile(join(folder, 'pipelines', `${name}.yaml`), manifest);
  await expect.poll(() => jobsOf(name), soon).toHaveLength(1);
}

const labelled = (pipeline: string) => ({ namespace, labels: `pipewright.dev/pipeline=${pipeline}` });
const jobsOf = (pipeline: string) => kubernetes.list(jobKind, labelled(pipeline));

async function podOf(pipeline: string): Promise<Resource> {
  await expect.poll(() => kubernetes.list(podKind, labelled(pipeline)), soon).toHaveLength(1);
  return (await kubernetes.list(podKind, labelled(pipeline)))[0] as Resource;
}

/** A pod on the node that nobody runs, with this status. */
async function runningPodOf(pipeline: string): Promise<Resource> {
  const pod = await podOf(pipeline);
  const { name } = pod.metadata;
  const target = { apiVersion: 'v1', kind: 'Node', name: 'nobody' };
  await kubernetes.create({ apiVersion: 'v1', kind: 'Binding', metadata: { name, namespace }, target });
  await say(pod, { phase: 'Running', containerStatuses: [{ ...runner, ready: true, state: { running: {} } }] });
  return pod;
}

const runner = { name: 'runner', image: 'nowhere/runner:1', imageID: '', restartCount: 0 };
const waiting = (reason: string) => ({
  phase: 'Pending',
  containerStatuses: [{ ...runner, ready: false, state: { waiting: { reason, message: 'as the kubelet says' } } }],
});
const terminated = (reason: string) => ({
  phase: 'Failed',
  containerStatuses: [{ ...runner, ready: false, state: { terminated: { exitCode: 137, reason } } }],
});

async function say({ metadata: { name } }: Resource, status: object): Promise<void> {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, status };
  await kubernetes.apply(pod, { subresource: 'status' });
}

/** What `kubectl get pipelineruns` shows of the run. */
async function shown(pipeline: string): Promise<string> {
  const columns = 'jsonpath={.items[?(@.spec.pipeline=="PIPELINE")].status}'.replace('PIPELINE', pipeline);
  const { phase, reason } = JSON.parse(await plane.kubectl(['-n', resources, 'get', 'pipelineruns', '-o', columns]));
  return `${phase} ${reason}`;
}

/** Of the first attempt. */
async function settled(pipeline: string): Promise<string> {
  const { rows } = await pool.query(
    `select a.phase || ' ' || coalesce(a.reason, '') as text from pipewright.attempts a join pipewright.runs r on r.id = a.run_id
     join pipewright.pipelines p on p.id = r.pipeline_id where p.name = $1 and a.number = 1`,
    [pipeline],
  );
  return rows[0]?.text;
}

test('a report is told to every replica, whichever has taken it', { timeout: 120_000 }, async () => {
  await begin('reported');
  const pod = await runningPodOf('reported');
  const listener = new pg.Client(store.url);
  const heard: string[] = [];
  listener.on('notification', ({ payload = '' }) => heard.push(...payload.split(' ')));
  await listener.connect();
  await listener.query('listen pipewright_wake');
  expect(await report(pod)).toBe(true);
  await expect.poll(() => heard, soon).toContain('observe');
  await expect.poll(() => shown('reported'), soon).toBe('Succeeded undefined');
  await listener.end();
});

describe('a run shows within 10 s why it waits', { timeout: 120_000 }, () => {
  test('for a node', async () => {
    await begin('no-node');
    const pod = await podOf('no-node');
    const isRefused = async () => JSON.stringify((await kubernetes.get(podKind, pod.metadata))?.status);
    await expect.poll(isRefused, soon).toContain('Unschedulable');
    await expect.poll(() => shown('no-node'), inTime).toBe('Running Unschedulable');
  });

  test('for its image, and no longer when it has got it', async () => {
    await begin('no-image');
    const pod = await runningPodOf('no-image');
    await say(pod, waiting('ErrImagePull'));
    await expect.poll(() => shown('no-image'), inTime).toBe('Running ImagePullFailed');
    await say(pod, { phase: 'Running', containerStatuses: [{ ...runner, ready: true, state: { running: {} } }] });
    await expect.poll(() => shown('no-image'), inTime).toBe('Running undefined');
  });

  test('for a quota', async () => {
    await plane.kubectl(['create', 'quota', 'none', '--hard=pods=0', '-n', namespace]);
    await begin('no-quota');
    const events = async () =>
      plane.kubectl(['-n', namespace, 'get', 'events', '--field-selector=reason=FailedCreate']);
    await expect.poll(events, soon).toContain('job/no-quota');
    await expect.poll(() => shown('no-quota'), inTime).toBe('Running PodRefused');
    await plane.kubectl(['delete', 'quota', 'none', '-n', namespace]);
  });
});

describe('an attempt is settled within 10 s with the reason', { timeout: 120_000 }, () => {
  test.each([
    ['OutOfMemory', terminated('OOMKilled')],
    [
      'Evicted',
      { phase: 'Failed', reason: 'Evicted', message: 'Usage of EmptyDir volume "scratch" exceeds the limit' },
    ],
  ])('%s', async (reason, status) => {
    const name = reason.toLowerCase();
    await begin(name);
    await say(await runningPodOf(name), status);
    await expect.poll(() => settled(name), inTime).toBe(`Failed ${reason}`);
    await expect.poll(() => shown(name), inTime).toBe(`Failed ${reason}`);
  });

  test('TimedOut, when its Job is over its deadline', async () => {
    await begin('deadline');
    await runningPodOf('deadline');
    const [job] = await jobsOf('deadline');
    await kubernetes.patch(jobKind, (job as Resource).metadata, { spec: { activeDeadlineSeconds: 1 } });
    const conditions = async () => JSON.stringify((await jobsOf('deadline'))[0]?.status);
    await expect.poll(conditions, soon).toContain('DeadlineExceeded');
    await endPods('deadline');
    await expect.poll(() => settled('deadline'), inTime).toBe('Failed TimedOut');
  });

  test('NodeLost, when its pod was to end and nobody there has ended it', async () => {
    await begin('lost-node');
    const { metadata } = await runningPodOf('lost-node');
    await plane.kubectl(['-n', namespace, 'delete', 'pod', metadata.name, '--wait=false', '--grace-period=1']);
    await expect.poll(() => settled('lost-node'), inTime).toBe('Lost NodeLost');
  });

  test('JobDeleted', async () => {
    await begin('deleted');
    await podOf('deleted');
    const [job] = await jobsOf('deleted');
    await plane.kubectl(['-n', namespace, 'delete', 'job', (job as Resource).metadata.name]);
    await expect.poll(() => settled('deleted'), inTime).toBe('Lost JobDeleted');
  });
});

/** As the kubelet does when a pod is to go. */
async function endPods(pipeline: string): Promise<void> {
  for (const pod of await kubernetes.list(podKind, labelled(pipeline))) {
    await say(pod, terminated('Error'));
  }
}
