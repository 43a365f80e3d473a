import { createHash, randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createBundles } from '../../controller/executors/jobs/bundle.ts';
import { createJobs, type JobsOptions } from '../../controller/executors/jobs/executor.ts';
import type { Executor, LaunchInput, Observation } from '../../controller/executors/port.ts';
import { createKubernetes, type Kind, type Kubernetes, type Resource } from '../../controller/kubernetes/client.ts';
import type { TaskReport } from '../../schemas/generated/types.ts';
import { apiServerOf } from './api-server.ts';
import { type ControlPlane, firstStart, startControlPlane } from './support/control-plane.ts';

const jobKind: Kind = { apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs' };
const podKind: Kind = { apiVersion: 'v1', kind: 'Pod', plural: 'pods' };
const configMapKind: Kind = { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps' };
const soon = { interval: 50, timeout: 30_000 };
const id = '7.load_trips.1';

let plane: ControlPlane;
let kubernetes: Kubernetes;
let namespace: string;
let count = 0;
let stop: AbortController;
let reports: Map<string, TaskReport>;
let bundles: number;
let executor: Executor;

beforeAll(async () => {
  plane = await startControlPlane();
  if (!plane.jobController) throw new Error('these tests need the Job controller; unset KUBEBUILDER_ASSETS');
}, firstStart);
afterAll(() => plane?.stop());

beforeEach(async () => {
  namespace = `jobs-${++count}`;
  await plane.kubectl(['create', 'namespace', namespace]);
  // The strictest of the standards: what it refuses gets no pod here.
  await plane.kubectl(['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted']);
  kubernetes = connect();
  stop = new AbortController();
  reports = new Map();
  bundles = 0;
  executor = create();
});
afterEach(() => stop.abort());

function connect(): Kubernetes {
  const log = pino({ level: 'silent' });
  return createKubernetes({ kubeconfig: plane.kubeconfig, log, qps: 1_000, burst: 1_000 });
}

function create(options: Partial<JobsOptions> = {}): Executor {
  return createJobs({
    kubernetes,
    namespace,
    ledgerId: 'ledger-a',
    image: 'runner:1',
    reportUrl: (attemptId) => `http://controller/api/v1/attempts/${attemptId}/report`,
    token: (attemptId) => `token-of-${attemptId}`,
    reports: { read: async (ids) => new Map([...reports].filter(([attemptId]) => ids.includes(attemptId))) },
    capacity: 4,
    log: pino({ level: 'silent' }),
    signal: stop.signal,
    ...options,
  });
}

function attempt(attemptId = id, order: Partial<LaunchInput['order']> = {}): LaunchInput {
  const [run = '', task = '', number = ''] = attemptId.split('.');
  const digest = createHash('sha256').update('a bundle').digest('hex');
  return {
    order: {
      attemptId,
      ledgerId: 'ledger-a',
      pipeline: 'yellow-taxi-to-postgres',
      run: { id: Number(run), name: 'yellow-taxi-to-postgres-m7', runNo: 1, trigger: 'manual' },
      task,
      attempt: Number(number),
      window: null,
      variables: {},
      bundle: { digest, path: '' },
      artifacts: '',
      timeoutMs: null,
      heartbeatMs: 10_000,
      ...order,
    },
    bundle: async () => {
      bundles++;
      return Buffer.from('{}');
    },
    environment: [],
    secrets: [],
  };
}

const jobs = () => kubernetes.list(jobKind, { namespace });
const pods = () => kubernetes.list(podKind, { namespace });
const podNames = async () => (await pods()).map(({ metadata }) => metadata.name);

async function firstPod(): Promise<Resource> {
  await expect.poll(podNames, soon).toHaveLength(1);
  return (await pods())[0] as Resource;
}

async function firstJob(): Promise<Resource> {
  return (await jobs())[0] as Resource;
}

async function observed(): Promise<Observation | undefined> {
  return (await executor.observe([id])).get(id);
}

/** Says of a pod what its kubelet would. */
async function say(pod: Resource, status: object): Promise<void> {
  const { name } = pod.metadata;
  await kubernetes.apply(
    { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, status },
    { subresource: 'status' },
  );
}

const terminated = (more: object) => ({
  containerStatuses: [{ ...runner, ready: false, state: { terminated: { exitCode: 137, ...more } } }],
});
const runner = { name: 'runner', image: 'runner:1', imageID: '', restartCount: 0 };
const running = {
  phase: 'Running',
  containerStatuses: [{ ...runner, ready: true, state: { running: { startedAt: '2026-01-01T00:00:00Z' } } }],
};

function report(attemptId = id): TaskReport {
  return {
    attemptId,
    outcome: 'Succeeded',
    reason: null,
    startedAt: '2026-01-01T00:00:00Z',
    finishedAt: '2026-01-01T00:00:01Z',
    durationMs: 1_000,
    peakMemoryBytes: 1,
    blocks: [],
    sample: null,
    partial: false,
  };
}

describe('launch', () => {
  test('makes a bundle and a Job that the strictest standard for pods lets through', async () => {
    await executor.launch(attempt());
    const pod = await firstPod();
    expect((await firstJob()).metadata.name).toMatch(/^yellow-taxi-to-postgres-m7-load-trips-1-[0-9a-f]{10}$/);
    expect(pod.metadata.annotations).toMatchObject({ 'pipewright.dev/attempt-id': id });
    const [bundle] = await kubernetes.list(configMapKind, { namespace, labels: 'pipewright.dev/bundle' });
    expect(bundle).toMatchObject({ immutable: true, metadata: { name: expect.stringMatching(/^pipewright-bundle-/) } });
  });

  test('that is called again, and from two controllers at once, leaves one Job', async () => {
    const other = create({ kubernetes: connect() });
    await Promise.all([executor.launch(attempt()), other.launch(attempt()), executor.launch(attempt())]);
    await executor.launch(attempt());
    expect(await jobs()).toHaveLength(1);
    await firstPod();
    expect(bundles).toBeLessThanOrEqual(2);
  });

  test('refuses a Job of that name that is not of this attempt', async () => {
    await executor.launch(attempt());
    const { metadata } = await firstJob();
    await kubernetes.patch(jobKind, metadata, { metadata: { annotations: { 'pipewright.dev/attempt-id': 'other' } } });
    await expect(executor.launch(attempt())).rejects.toThrow(/exists in namespace .* but is not this attempt's/);
  });

  test('into a namespace that is not there fails in a sentence, and leaves nothing to wait for', async () => {
    executor = create({ namespace: 'nowhere' });
    await expect(executor.launch(attempt())).rejects.toThrow('namespaces "nowhere" not found');
    expect(await executor.fence(id)).toBeNull();
  });

  test('tells two ledgers in one namespace apart', async () => {
    await executor.launch(attempt());
    const other = create({ ledgerId: 'ledger-b' });
    await other.launch(attempt(id, { ledgerId: 'ledger-b' }));
    expect(await jobs()).toHaveLength(2);
    await other.fence(id);
    await expect.poll(podNames, soon).toHaveLength(1);
    expect(await observed()).toEqual({ state: 'running' });
  });
});

describe('an attempt', () => {
  test('is reported when its report came over HTTP, whatever its pod does', async () => {
    await executor.launch(attempt());
    reports.set(id, report());
    expect(await observed()).toEqual({ state: 'reported', report: report() });
  });

  test('is reported by what its pod left when nothing else came, marked as partial', async () => {
    await executor.launch(attempt());
    const { sample: _, blocks: __, ...small } = report();
    const message = JSON.stringify({ report: small });
    await say(await firstPod(), { phase: 'Succeeded', ...terminated({ exitCode: 0, message }) });
    await expect.poll(observed, soon).toEqual({ state: 'reported', report: { ...report(), partial: true } });
  });

  test('runs on while its pod waits for a node, and says so', async () => {
    await executor.launch(attempt());
    await expect
      .poll(() => executor.describe?.(id)?.pending, soon)
      .toEqual({
        reason: 'Unschedulable',
        message: expect.stringContaining('no nodes available'),
      });
    expect(await observed()).toEqual({ state: 'running' });
    const pod = await firstPod();
    expect(executor.describe?.(id)).toEqual({
      namespace,
      job: (await firstJob()).metadata.name,
      pod: pod.metadata.name,
      pending: expect.anything(),
    });
    await bind(pod);
    await expect.poll(() => executor.describe?.(id)?.node, soon).toBe('nobody');
  });

  test('is gone when its pod has waited for too long', async () => {
    executor = create({ pendingMs: 1_000 });
    await executor.launch(attempt());
    await expect.poll(observed, soon).toMatchObject({
      state: 'gone',
      reason: 'Unschedulable',
      detail: expect.stringContaining('did not start within'),
    });
  });

  test('that gets no pod because of a quota says so', async () => {
    await plane.kubectl(['create', 'quota', 'none', '--hard=pods=0', '-n', namespace]);
    await executor.launch(attempt());
    const pending = async () => {
      await observed();
      return executor.describe?.(id)?.pending;
    };
    await expect.poll(pending, soon).toEqual({
      reason: 'PodRefused',
      message: expect.stringContaining('exceeded quota'),
    });
    expect(await observed()).toEqual({ state: 'running' });
  });

  test('says which image cannot be pulled', async () => {
    await executor.launch(attempt());
    const waiting = { reason: 'ImagePullBackOff', message: 'Back-off pulling image "runner:1"' };
    const containerStatuses = [{ ...runner, ready: false, state: { waiting } }];
    await say(await firstPod(), { phase: 'Pending', containerStatuses });
    await expect
      .poll(() => executor.describe?.(id)?.pending, soon)
      .toEqual({
        reason: 'ImagePullFailed',
        message: 'ImagePullBackOff: Back-off pulling image "runner:1"',
      });
  });

  test.each([
    ['used too much memory', terminated({ reason: 'OOMKilled' }), 'OutOfMemory', /more memory than its limit/],
    [
      'was evicted for its scratch',
      { reason: 'Evicted', message: 'emptyDir over 1Gi' },
      'Evicted',
      /emptyDir over 1Gi/,
    ],
    ['ended with an exit code', terminated({ exitCode: 3 }), undefined, /exit code 3/],
  ])('whose pod %s is gone for that reason', async (_, status, reason, detail) => {
    await executor.launch(attempt());
    await say(await firstPod(), { phase: 'Failed', ...status });
    await expect.poll(observed, soon).toMatchObject({ state: 'gone', detail: expect.stringMatching(detail) });
    expect(await observed()).toHaveProperty('state', 'gone');
    expect(((await observed()) as { reason?: string }).reason).toBe(reason);
    expect(await executor.fence(id)).toBeNull();
  });

  test('goes on in another pod when the first one was disrupted', async () => {
    await executor.launch(attempt());
    const pod = await firstPod();
    const conditions = [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }];
    await say(pod, { phase: 'Failed', conditions });
    await expect.poll(podNames, soon).toHaveLength(2);
    expect(await observed()).toEqual({ state: 'running' });
    expect(executor.describe?.(id)?.pod).not.toBe(pod.metadata.name);
  });

  test('that overran the deadline of its Job is gone as timed out', async () => {
    executor = create({ pendingMs: 2_000 });
    await executor.launch(attempt(id, { timeoutMs: 1_000 }));
    await say(await firstPod(), running);
    await expect.poll(observed, soon).toMatchObject({ state: 'gone', reason: 'TimedOut' });
  });

  test('whose node no longer answers is gone, and its fence does not wait for that node', async () => {
    executor = create({ lostNodeMs: 0 });
    await executor.launch(attempt());
    const pod = await firstPod();
    await bind(pod);
    await say(pod, running);
    await plane.kubectl(['delete', 'pod', pod.metadata.name, '-n', namespace, '--wait=false', '--grace-period=1']);
    await expect.poll(observed, soon).toMatchObject({ state: 'gone', reason: 'NodeLost' });
    expect(await executor.fence(id)).toBeNull();
    expect(await podNames()).toEqual(expect.not.arrayContaining(['']));
    expect((await pods()).filter(({ metadata }) => metadata.deletionGracePeriodSeconds !== 0)).toEqual([]);
  });

  test('whose Job was deleted by hand is gone, also for a controller that has just started', async () => {
    await executor.launch(attempt());
    await firstPod();
    await expect.poll(observed, soon).toEqual({ state: 'running' });
    await plane.kubectl(['delete', 'jobs', '--all', '-n', namespace]);
    await expect.poll(observed, soon).toMatchObject({ state: 'gone', reason: 'JobDeleted' });
    executor = create();
    await expect.poll(observed, soon).toMatchObject({ state: 'gone', reason: 'JobDeleted' });
  });
});

/** Puts a pod on a node that nobody runs. */
async function bind({ metadata: { name } }: Resource): Promise<void> {
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'nobody' } };
  await kubernetes.create(node);
  await kubernetes.create({
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name, namespace },
    target: { apiVersion: 'v1', kind: 'Node', name: 'nobody' },
  });
}

describe('a fence', () => {
  test('ends what runs, and whoever launches later finds the attempt ended', async () => {
    await executor.launch(attempt());
    await firstPod();
    expect(await executor.fence(id)).toBeNull();
    expect(await podNames()).toEqual([]);
    await create({ kubernetes: connect() }).launch(attempt());
    expect(await jobs()).toHaveLength(1);
    await expect.poll(observed, soon).toMatchObject({ state: 'gone' });
    expect(await podNames()).toEqual([]);
  });

  test('takes the name of a Job that was deleted, so that a late launch makes no pod', async () => {
    await executor.launch(attempt());
    await plane.kubectl(['delete', 'jobs', '--all', '-n', namespace]);
    expect(await executor.fence(id)).toBeNull();
    await create({ kubernetes: connect() }).launch(attempt());
    const [job, ...others] = await jobs();
    expect(others).toEqual([]);
    await expect
      .poll(async () => JSON.stringify((await kubernetes.get(jobKind, (job as Resource).metadata))?.status), soon)
      .toContain('"Complete"');
    expect(await podNames()).toEqual([]);
  });

  test('returns the report that came meanwhile', async () => {
    await executor.launch(attempt());
    reports.set(id, report());
    expect(await executor.fence(id)).toEqual(report());
  });

  test('of what was never launched has nothing to do', async () => {
    expect(await executor.fence(id)).toBeNull();
    expect(await jobs()).toEqual([]);
  });

  test('that cannot end a pod in time says which one', async () => {
    executor = create({ fenceMs: 500, lostNodeMs: 600_000 });
    await executor.launch(attempt());
    const pod = await firstPod();
    await bind(pod);
    await say(pod, running);
    await expect(executor.fence(id)).rejects.toThrow(pod.metadata.name);
  });
});

describe('to stop an attempt', () => {
  test('ends its pods, and is told once however often it is asked', async () => {
    await executor.launch(attempt());
    await firstPod();
    await executor.stop(id);
    await expect.poll(podNames, soon).toEqual([]);
    await executor.stop(id);
    await executor.stop(id);
    expect(kubernetes.calls().filter(({ verb }) => verb === 'patch')).toEqual([
      { verb: 'patch', resource: 'jobs', count: 1 },
    ]);
    await expect.poll(observed, soon).toEqual({ state: 'gone', detail: 'it was told to end' });
  });
});

describe('a sweep', () => {
  const other = '8.load_trips.1';

  test('ends Jobs of attempts that are settled, and no others', async () => {
    executor = create({ youngMs: 0 });
    await executor.launch(attempt());
    await executor.launch(attempt(other));
    await expect.poll(podNames, soon).toHaveLength(2);
    await executor.sweep([id]);
    await expect.poll(podNames, soon).toHaveLength(1);
    expect(await observed()).toEqual({ state: 'running' });
  });

  test('leaves alone what another replica may just have launched', async () => {
    await executor.launch(attempt());
    await firstPod();
    await executor.sweep([]);
    await expect.poll(observed, soon).toEqual({ state: 'running' });
  });

  test('deletes pods that a deleted Job left behind', async () => {
    executor = create({ youngMs: 0 });
    await executor.launch(attempt());
    const pod = await firstPod();
    await plane.kubectl(['delete', 'jobs', '--all', '-n', namespace, '--cascade=orphan']);
    const owners = async () => (await kubernetes.get(podKind, pod.metadata))?.metadata.ownerReferences ?? [];
    await expect.poll(owners, soon).toEqual([]);
    await executor.sweep([]);
    await expect.poll(podNames, soon).toEqual([]);
  });
});

describe('a bundle', () => {
  const names = async () =>
    (await kubernetes.list(configMapKind, { namespace, labels: 'pipewright.dev/bundle' })).map(
      ({ metadata }) => metadata.name,
    );
  const create = (unusedMs: number) => createBundles({ kubernetes, namespace, unusedMs });
  const read = async () => Buffer.from('{}');
  const digest = 'f'.repeat(64);

  test('that no Job names is removed at the second look, after its time', async () => {
    await create(0).ensure(digest, read);
    await create(0).collect();
    expect(await names()).toHaveLength(1);
    await create(600_000).collect();
    expect(await names()).toHaveLength(1);
    await create(-1).collect();
    expect(await names()).toEqual([]);
  });

  test('that a Job names stays', async () => {
    await executor.launch(attempt());
    await create(-1).collect();
    await create(-1).collect();
    expect(await names()).toHaveLength(1);
  });

  test('that a launch has asked for since the first look is looked at afresh', async () => {
    await create(-1).ensure(digest, read);
    await create(-1).collect();
    await create(-1).ensure(digest, read);
    await create(-1).collect();
    expect(await names()).toHaveLength(1);
  });

  test('holds what the runner unpacks', async () => {
    await create(0).ensure(digest, async () => Buffer.from('{"blocks":[]}'));
    const [bundle] = await kubernetes.list(configMapKind, { namespace, labels: 'pipewright.dev/bundle' });
    const { 'bundle.json.gz': packed = '' } = (bundle as Resource).binaryData as Record<string, string>;
    expect(gunzipSync(Buffer.from(packed, 'base64')).toString()).toBe('{"blocks":[]}');
  });

  test('that is too large for a ConfigMap is refused in a sentence', async () => {
    const large = async () => randomBytes(1_000_000);
    await expect(create(0).ensure(digest, large)).rejects.toThrow(/a ConfigMap takes 921600; split the pipeline/);
  });
});

// The last ones: the Job controller is slow to come back to a new API server.
describe('while the API server is away', () => {
  test('a launch that failed leaves one Job when it is called again', async () => {
    const server = apiServerOf(plane);
    server.kill();
    await expect(executor.launch(attempt())).rejects.toThrow(/could not be asked/);
    await server.start();
    await executor.launch(attempt());
    expect(await jobs()).toHaveLength(1);
    await expect.poll(observed, soon).toEqual({ state: 'running' });
  });

  test('an attempt is not gone, and holds up no report', async () => {
    const other = '8.load_trips.1';
    await executor.launch(attempt());
    await executor.launch(attempt(other));
    await plane.kubectl(['delete', 'jobs', '--all', '-n', namespace]);
    const server = apiServerOf(plane);
    server.kill();
    reports.set(other, report(other));
    const seen = await executor.observe([id, other]);
    expect(seen.get(other)?.state).toBe('reported');
    expect(seen.get(id)?.state).toBe('running');
    await expect(executor.fence(id)).rejects.toThrow(/could not be asked/);
    await server.start();
    await expect.poll(observed, soon).toMatchObject({ state: 'gone', reason: 'JobDeleted' });
  });
});
