import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { makeJob } from '../../controller/executors/jobs/job.ts';
import { createLook } from '../../controller/executors/jobs/live.ts';
import { logs } from '../../controller/executors/jobs/logs.ts';
import { createKubernetes, type Kind, type Kubernetes } from '../../controller/kubernetes/client.ts';
import { order } from '../unit/executors/jobs/order.ts';
import { type ControlPlane, firstStart, startControlPlane } from './support/control-plane.ts';

const podKind: Kind = { apiVersion: 'v1', kind: 'Pod', plural: 'pods' };
const jobKind: Kind = { apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs' };
const soon = { interval: 50, timeout: 30_000 };
const { attemptId, ledgerId } = order();

let plane: ControlPlane;
let kubelet: Server;
/** Requests for logs that wait for the test to answer them, by pod. */
let asked: { pod: string; follow: boolean; answer: ServerResponse }[];
let kubernetes: Kubernetes;
let namespace: string;
let count = 0;
let stop: AbortController;

// The API server asks a kubelet for logs. This one says what the test wants; all that is between is real.
beforeAll(async () => {
  plane = await startControlPlane();
  const pki = dirname(plane.kubeconfig);
  const [cert, key] = ['apiserver.crt', 'apiserver.key'].map((name) => readFileSync(join(pki, name)));
  kubelet = createServer({ cert, key }, (request, answer) => {
    const url = new URL(request.url ?? '', 'https://kubelet');
    asked.push({ pod: url.pathname.split('/')[3] ?? '', follow: url.searchParams.get('follow') === 'true', answer });
  });
  await new Promise<void>((resolve) => kubelet.listen(0, '127.0.0.1', resolve));
  kubernetes = createKubernetes({ kubeconfig: plane.kubeconfig, log: pino({ level: 'silent' }) });
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node' } };
  await kubernetes.create(node);
  const daemonEndpoints = { kubeletEndpoint: { Port: (kubelet.address() as AddressInfo).port } };
  const status = { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }], daemonEndpoints };
  await kubernetes.apply({ ...node, status }, { subresource: 'status' });
}, firstStart);
afterAll(async () => {
  kubelet?.closeAllConnections();
  kubelet?.close();
  await plane?.stop();
});

beforeEach(async () => {
  asked = [];
  stop = new AbortController();
  namespace = `logs-${++count}`;
  await plane.kubectl(['create', 'namespace', namespace]);
  const settings = {
    namespace,
    image: 'runner:1',
    reportUrl: () => '',
    token: () => '',
    pendingMs: 1,
    ttlSeconds: 600,
  };
  await kubernetes.create(
    makeJob({ order: order(), bundle: async () => Buffer.of(), environment: [], secrets: [] }, settings),
  );
  await expect.poll(async () => (await podNames()).length, soon).toBe(1);
});
afterEach(() => stop.abort());

const podNames = async () => (await kubernetes.list(podKind, { namespace })).map(({ metadata }) => metadata.name);

async function newPod(known: readonly string[] = []): Promise<string> {
  const fresh = async () => (await podNames()).filter((name) => !known.includes(name));
  await expect.poll(fresh, soon).toHaveLength(1);
  const [name = ''] = await fresh();
  const target = { apiVersion: 'v1', kind: 'Node', name: 'node' };
  await kubernetes.create({ apiVersion: 'v1', kind: 'Binding', metadata: { name, namespace }, target });
  return name;
}

async function say(name: string, phase: string, more: object = {}): Promise<void> {
  const state = phase === 'Running' ? { running: {} } : { terminated: { exitCode: phase === 'Failed' ? 1 : 0 } };
  const container = { name: 'runner', image: 'runner:1', imageID: '', restartCount: 0, ready: false, state };
  const status = { phase, containerStatuses: [container], ...more };
  await kubernetes.apply(
    { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, status },
    { subresource: 'status' },
  );
}

function read(options: { follow: boolean }) {
  const look = createLook({ kubernetes, namespace, ledgerId });
  const text: string[] = [];
  const ended = (async () => {
    const how = { ...options, signal: stop.signal };
    for await (const chunk of logs(attemptId, how, { kubernetes, namespace, look, patienceMs: 0 })) text.push(chunk);
  })();
  return { text: () => text.join(''), ended };
}

async function nextRequest() {
  await expect.poll(() => asked.length, soon).toBeGreaterThan(0);
  return asked.shift() as (typeof asked)[number];
}

async function isComplete(): Promise<boolean> {
  return JSON.stringify((await kubernetes.list(jobKind, { namespace }))[0]?.status).includes('"Complete"');
}

test('a log is followed from its beginning until the attempt has ended', async () => {
  const { text, ended } = read({ follow: true });
  const pod = await newPod();
  await say(pod, 'Running');
  const { follow, answer } = await nextRequest();
  expect(follow).toBe(true);
  answer.write('one\n');
  await expect.poll(text, soon).toBe('one\n');
  await say(pod, 'Succeeded');
  await expect.poll(isComplete, soon).toBe(true);
  answer.end('two\n');
  (await nextRequest()).answer.end('one\ntwo\n');
  await ended;
  expect(text()).toBe('one\ntwo\n');
});

test('nothing is said twice when the connection breaks', async () => {
  const { text, ended } = read({ follow: true });
  const pod = await newPod();
  await say(pod, 'Running');
  const broken = await nextRequest();
  broken.answer.write('one\n');
  await expect.poll(text, soon).toBe('one\n');
  broken.answer.destroy();
  const second = await nextRequest();
  await say(pod, 'Succeeded');
  await expect.poll(isComplete, soon).toBe(true);
  second.answer.end('one\ntwo\n');
  (await nextRequest()).answer.end('one\ntwo\n');
  await ended;
  expect(text()).toBe('one\ntwo\n');
});

test('the log of a disrupted pod is followed by that of the next one', async () => {
  const { text, ended } = read({ follow: true });
  const first = await newPod();
  const conditions = [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }];
  await say(first, 'Failed', { conditions });
  (await nextRequest()).answer.end('first\n');
  const second = await newPod([first]);
  await say(second, 'Succeeded');
  await expect.poll(isComplete, soon).toBe(true);
  const request = await nextRequest();
  expect(request.pod).toBe(second);
  request.answer.end('second\n');
  await ended;
  expect(text()).toBe('first\nsecond\n');
});

test('without following, what there is is all', async () => {
  const pod = await newPod();
  await say(pod, 'Running');
  const { text, ended } = read({ follow: false });
  const { follow, answer } = await nextRequest();
  expect(follow).toBe(false);
  answer.end('so far\n');
  await ended;
  expect(text()).toBe('so far\n');
});

test('whoever no longer listens ends the request', async () => {
  const { ended } = read({ follow: true });
  await say(await newPod(), 'Running');
  const { answer } = await nextRequest();
  const closed = new Promise((resolve) => answer.once('close', resolve));
  stop.abort();
  await ended;
  await closed;
});
