import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished } from 'vitest';
import { parse, stringify } from 'yaml';
import { createJobs, type JobsOptions } from '../../../controller/executors/jobs/executor.ts';
import type { Executor, LaunchInput, Observation, TaskNeeds } from '../../../controller/executors/port.ts';
import { createKubernetes, type Kind, type Kubernetes, type Resource } from '../../../controller/kubernetes/client.ts';
import type { TaskReport } from '../../../schemas/generated/types.ts';
import { noArchive } from '../../support/no-archive.ts';
import { makeReport } from '../../support/report.ts';
import { type ControlPlane, firstStart, startControlPlane } from '../support/control-plane.ts';

export const jobKind: Kind = { apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs' };
export const podKind: Kind = { apiVersion: 'v1', kind: 'Pod', plural: 'pods' };
const configMapKind: Kind = { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps' };
export const soon = { interval: 50, timeout: 30_000 };
/** The attempt that tests are about. */
export const id = '7.load_trips.1';

const container = { name: 'runner', image: 'runner:1', imageID: '', restartCount: 0 };

/** What a kubelet says of a pod that runs, and of one whose container has ended. */
export const running = {
  phase: 'Running',
  containerStatuses: [{ ...container, ready: true, state: { running: { startedAt: '2026-01-01T00:00:00Z' } } }],
};
export const terminated = (more: object) => ({
  containerStatuses: [{ ...container, ready: false, state: { terminated: { exitCode: 137, ...more } } }],
});
export const waiting = (reason: string, message: string) => ({
  containerStatuses: [{ ...container, ready: false, state: { waiting: { reason, message } } }],
});

/** A control plane for the tests of a file, and for each of them a namespace with an executor. */
export function useJobs() {
  const at = {} as {
    plane: ControlPlane;
    kubernetes: Kubernetes;
    namespace: string;
    executor: Executor;
    /** Reports that came over HTTP. */
    reports: Map<string, TaskReport>;
    /** How often the bundle was asked for. */
    bundles: number;
    stop: AbortController;
  };
  let count = 0;

  beforeAll(async () => {
    at.plane = await startControlPlane();
    if (!at.plane.jobController) throw new Error('these tests need the Job controller; unset KUBEBUILDER_ASSETS');
  }, firstStart);
  afterAll(() => at.plane?.stop());

  beforeEach(async () => {
    at.namespace = `jobs-${++count}`;
    await makeNamespace(at.namespace);
    at.kubernetes = connect();
    at.stop = new AbortController();
    at.reports = new Map();
    at.bundles = 0;
    at.executor = create();
  });
  afterEach(() => at.stop.abort());

  /** With the strictest of the standards unless `standard` says otherwise: what it refuses gets no pod there. */
  async function makeNamespace(name: string, standard = 'restricted'): Promise<void> {
    await at.plane.kubectl(['create', 'namespace', name]);
    await at.plane.kubectl(['label', 'namespace', name, `pod-security.kubernetes.io/enforce=${standard}`]);
  }

  function connect(kubeconfig = at.plane.kubeconfig): Kubernetes {
    const log = pino({ level: 'silent' });
    return createKubernetes({ kubeconfig, log, qps: 1_000, burst: 1_000 });
  }

  /** As a service account of the test's namespace. */
  async function connectAs(account: string): Promise<Kubernetes> {
    const token = (await at.plane.kubectl(['create', 'token', account, '-n', at.namespace])).trim();
    const config = parse(readFileSync(at.plane.kubeconfig, 'utf8'));
    for (const each of config.users) each.user = { token };
    const path = join(mkdtempSync(join(tmpdir(), 'pipewright-kubeconfig-')), 'config');
    onTestFinished(() => rmSync(dirname(path), { recursive: true }));
    writeFileSync(path, stringify(config));
    return connect(path);
  }

  function create(options: Partial<JobsOptions> = {}): Executor {
    return createJobs({
      kubernetes: at.kubernetes,
      namespace: at.namespace,
      ledgerId: 'ledger-a',
      image: 'runner:1',
      reportUrl: (attemptId) => `http://controller/api/v1/attempts/${attemptId}/report`,
      token: (attemptId) => `token-of-${attemptId}`,
      reports: { read: async (ids) => new Map([...at.reports].filter(([attemptId]) => ids.includes(attemptId))) },
      archive: noArchive,
      capacity: 4,
      log: pino({ level: 'silent' }),
      signal: at.stop.signal,
      ...options,
    });
  }

  const launchInput = (attemptId = id, order: Partial<LaunchInput['order']> = {}, task: TaskNeeds = {}) =>
    makeInput(attemptId, order, task, () => at.bundles++);
  const jobs = (namespace = at.namespace) => at.kubernetes.list(jobKind, { namespace });
  const pods = (namespace = at.namespace) => at.kubernetes.list(podKind, { namespace });
  const podNames = async () => (await pods()).map(({ metadata }) => metadata.name);

  return Object.assign(at, {
    makeNamespace,
    connect,
    connectAs,
    create,
    attempt: launchInput,
    jobs,
    pods,
    podNames,
    bundlesIn: (namespace = at.namespace) =>
      at.kubernetes.list(configMapKind, { namespace, labels: 'pipewright.dev/bundle' }),
    firstJob: async (namespace?: string) => (await jobs(namespace))[0] as Resource,
    async firstPod(namespace?: string): Promise<Resource> {
      await expect.poll(async () => (await pods(namespace)).length, soon).toBe(1);
      return (await pods(namespace))[0] as Resource;
    },
    async observed(): Promise<Observation | undefined> {
      return (await at.executor.observe([id])).get(id);
    },
    /** Says of a pod what its kubelet would. */
    async say({ metadata: { name, namespace } }: Resource, status: object): Promise<void> {
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, ...(namespace && { namespace }) }, status };
      await at.kubernetes.apply(pod, { subresource: 'status' });
    },
    /** Puts a pod on a node that nobody runs. */
    async bind({ metadata: { name } }: Resource): Promise<void> {
      const target = { apiVersion: 'v1', kind: 'Node', name: 'nobody' };
      await at.kubernetes.create({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'nobody' } });
      const metadata = { name, namespace: at.namespace };
      await at.kubernetes.create({ apiVersion: 'v1', kind: 'Binding', metadata, target });
    },
  });
}

function makeInput(
  attemptId: string,
  order: Partial<LaunchInput['order']>,
  task: TaskNeeds,
  onBundle: () => void,
): LaunchInput {
  const [run = '', name = '', number = ''] = attemptId.split('.');
  return {
    order: {
      attemptId,
      ledgerId: 'ledger-a',
      pipeline: 'yellow-taxi-to-postgres',
      run: { id: Number(run), name: 'yellow-taxi-to-postgres-m7', runNo: 1, trigger: 'manual' },
      task: name,
      attempt: Number(number),
      window: null,
      variables: {},
      bundle: { digest: createHash('sha256').update('a bundle').digest('hex'), path: '' },
      artifacts: '',
      timeoutMs: null,
      heartbeatMs: 10_000,
      ...order,
    },
    bundle: async () => {
      onBundle();
      return Buffer.from('{}');
    },
    environment: [],
    secrets: [],
    task,
  };
}

export function report(attemptId = id): TaskReport {
  return makeReport({ attemptId });
}
