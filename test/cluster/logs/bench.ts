import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { type ArchiverOptions, createArchiver } from '../../../controller/executors/jobs/archive/archiver.ts';
import { createCache } from '../../../controller/executors/jobs/cache.ts';
import { makeJob } from '../../../controller/executors/jobs/job.ts';
import { createLook } from '../../../controller/executors/jobs/live.ts';
import { logs } from '../../../controller/executors/jobs/logs.ts';
import { createKubernetes, type Kind, type Kubernetes, type Resource } from '../../../controller/kubernetes/client.ts';
import { createLogArchive } from '../../../controller/log-archive.ts';
import { runLoop } from '../../../controller/loop.ts';
import { createSignals } from '../../../controller/signals.ts';
import { done } from '../../../controller/steps/step.ts';
import { createTestLedger, manifest, type TestLedger } from '../../support/ledger.ts';
import { order } from '../../unit/executors/jobs/order.ts';
import { type ControlPlane, firstStart, startControlPlane } from '../support/control-plane.ts';
import { type Kubelet, startKubelet } from './kubelet.ts';

const podKind: Kind = { apiVersion: 'v1', kind: 'Pod', plural: 'pods' };
const jobKind: Kind = { apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs' };
export const soon = { interval: 50, timeout: 30_000 };
const log = pino({ level: 'silent' });
const { ledgerId } = order();

/** A control plane with a node whose logs the test writes, and for each test a ledger with an attempt whose Job has a pod. */
export function useLogs() {
  const at = {} as {
    plane: ControlPlane;
    kubernetes: Kubernetes;
    kubelet: Kubelet;
    ledger: TestLedger;
    namespace: string;
    attemptId: string;
    stop: AbortController;
  };
  let count = 0;

  beforeAll(async () => {
    at.plane = await startControlPlane();
    at.kubernetes = createKubernetes({ kubeconfig: at.plane.kubeconfig, log });
    at.kubelet = await startKubelet(at.plane, at.kubernetes);
  }, firstStart);
  afterAll(async () => {
    at.kubelet?.stop();
    await at.plane?.stop();
  });

  beforeEach(async () => {
    at.stop = new AbortController();
    at.kubelet.requests.length = 0;
    at.namespace = `logs-${++count}`;
    await at.plane.kubectl(['create', 'namespace', at.namespace]);
    at.ledger = await createTestLedger();
    await at.ledger.write({ 'a.yaml': manifest('a', 'maxActiveRuns: 5\n') });
    await at.ledger.pass('sync');
    at.attemptId = await launch();
  });
  afterEach(async () => {
    at.stop.abort();
    await at.ledger.close();
  });

  /** Another attempt with its Job. */
  async function launch(): Promise<string> {
    await at.ledger.ask('run', { pipeline: 'a' });
    await at.ledger.pass('admit', 'advance', 'launch');
    const attemptId = at.ledger.fake.launches.at(-1) as string;
    const settings = { namespace: at.namespace, image: 'runner:1', reportUrl: () => '', token: () => '' };
    const input = {
      order: order({ attemptId, attempt: at.ledger.fake.launches.length }),
      bundle: async () => Buffer.of(),
      environment: [],
      secrets: [],
    };
    await at.kubernetes.create(makeJob(input, { ...settings, pendingMs: 1, ttlSeconds: 600 }));
    return attemptId;
  }

  const look = () => createLook({ kubernetes: at.kubernetes, namespacesOf: () => [at.namespace], ledgerId });
  const pods = () => at.kubernetes.list(podKind, { namespace: at.namespace });
  const jobOf = async (attemptId = at.attemptId) =>
    (await at.kubernetes.list(jobKind, { namespace: at.namespace })).find(
      ({ metadata }) => metadata.annotations?.['pipewright.dev/attempt-id'] === attemptId,
    ) as (Resource & { spec: { ttlSecondsAfterFinished?: number }; status?: object }) | undefined;

  async function say(name: string, phase: string, more: object = {}): Promise<void> {
    const state =
      phase === 'Running'
        ? { running: { startedAt: '2026-01-01T00:00:00Z' } }
        : { terminated: { exitCode: phase === 'Failed' ? 1 : 0 } };
    const container = { name: 'runner', image: 'runner:1', imageID: '', restartCount: 0, ready: false, state };
    const status = { phase, containerStatuses: [container], ...more };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: at.namespace }, status };
    await at.kubernetes.apply(pod, { subresource: 'status' });
  }

  return Object.assign(at, {
    launch,
    jobOf,
    say,
    /** The pod that the Job controller makes next, on the node. */
    async newPod(known: readonly string[] = []): Promise<string> {
      const fresh = async () => (await pods()).map(({ metadata }) => metadata.name).filter((n) => !known.includes(n));
      await expect.poll(fresh, soon).toHaveLength(1);
      const [name = ''] = await fresh();
      const target = { apiVersion: 'v1', kind: 'Node', name: 'node' };
      const metadata = { name, namespace: at.namespace };
      await at.kubernetes.create({ apiVersion: 'v1', kind: 'Binding', metadata, target });
      return name;
    },
    /** The container has ended, and its Job is over. */
    async finish(pod: string, attemptId = at.attemptId): Promise<void> {
      at.kubelet.end(pod);
      await say(pod, 'Succeeded');
      await expect.poll(async () => JSON.stringify((await jobOf(attemptId))?.status), soon).toContain('"Complete"');
    },
    async settle(): Promise<void> {
      at.ledger.fake.endAll('Succeeded');
      await at.ledger.pass('observe');
    },
    ttlOf: async (attemptId?: string) => (await jobOf(attemptId))?.spec.ttlSecondsAfterFinished,
    /** As a person does it: with the pod, and without waiting for its node. */
    async deleteAll(): Promise<void> {
      const now = ['--grace-period=0', '--force'];
      await at.plane.kubectl(['-n', at.namespace, 'delete', 'jobs', '--all']);
      await at.plane.kubectl(['-n', at.namespace, 'delete', 'pods', '--all', ...now]);
      await expect.poll(async () => (await pods()).length, soon).toBe(0);
    },
    /** How often the API server was asked to change a Job that is there. */
    writes: () =>
      at.kubernetes.calls().find(({ verb, resource }) => verb === 'patch' && resource === 'jobs')?.count ?? 0,
    /** Keeps logs until the test ends or `signal` aborts. */
    keepLogs(options: Partial<ArchiverOptions> = {}): void {
      const { kubernetes, namespace } = at;
      const signal = options.signal ?? at.stop.signal;
      const cache = createCache({ kubernetes, namespaces: [namespace], ledgerId, onChange: () => {}, signal, log });
      const archive = createLogArchive({ pool: at.ledger.pool });
      const archiver = createArchiver({
        ...{ kubernetes, cache, look: look(), archive, ttlSeconds: 600, onDone: () => {}, log },
        ...{ followAfterMs: 0, everyMs: 50, giveUpMs: 0, ...options, signal },
      });
      const step = { name: 'archive', everyMs: 100, pass: () => archiver.pass().then(() => done()) } as const;
      void runLoop({ step, signals: createSignals(), signal, log });
    },
    /** As `pipewright logs` reads it. */
    read(options: { follow: boolean }, attemptId = at.attemptId) {
      const text: string[] = [];
      const ended = (async () => {
        const how = { ...options, signal: at.stop.signal };
        const archive = createLogArchive({ pool: at.ledger.pool });
        const parts = { kubernetes: at.kubernetes, archive, look: look(), patienceMs: 0 };
        for await (const chunk of logs(attemptId, how, parts)) text.push(chunk);
      })();
      return { text: () => text.join(''), ended };
    },
    /** What is kept, without times. */
    async kept(attemptId = at.attemptId): Promise<string> {
      let text = '';
      for await (const piece of createLogArchive({ pool: at.ledger.pool }).read(attemptId)) {
        text += 'text' in piece ? piece.text.replace(/^\S+ /gm, '') : `(${piece.droppedBytes})`;
      }
      return text;
    },
  });
}
