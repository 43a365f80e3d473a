import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createKubernetes, type Kind, type Kubernetes, type Resource } from '../../controller/kubernetes/client.ts';
import { apiServerOf } from './api-server.ts';
import { type ControlPlane, firstStart, startControlPlane } from './support/control-plane.ts';

const configMaps: Kind = { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps' };
const pods: Kind = { apiVersion: 'v1', kind: 'Pod', plural: 'pods' };
const soon = { interval: 20, timeout: 30_000 };

let plane: ControlPlane;
let kubernetes: Kubernetes;
let namespace: string;
let count = 0;
let stop: AbortController;

beforeAll(async () => {
  plane = await startControlPlane();
}, firstStart);
afterAll(() => plane?.stop());

beforeEach(async () => {
  namespace = `client-${++count}`;
  await plane.kubectl(['create', 'namespace', namespace]);
  kubernetes = connect();
  stop = new AbortController();
});
afterEach(() => stop.abort());

function connect(options: { qps?: number; burst?: number } = {}): Kubernetes {
  const log = pino({ level: 'silent' });
  return createKubernetes({ kubeconfig: plane.kubeconfig, log, qps: 1_000, burst: 1_000, ...options });
}

function configMap(name: string, more: { labels?: Record<string, string>; data?: Record<string, string> } = {}) {
  const { labels = {}, data = {} } = more;
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, labels }, data };
}

const named = (name: string) => ({ namespace, name });
const countOf = (verb: string, plural: string) =>
  kubernetes.calls().find((one) => one.verb === verb && one.resource === plural)?.count ?? 0;

describe('a call', () => {
  test('creates what is not there and says of the rest that it exists', async () => {
    expect(await kubernetes.create(configMap('a', { data: { n: '1' } }))).toBe('created');
    expect(await kubernetes.create(configMap('a', { data: { n: '2' } }))).toBe('exists');
    expect(await kubernetes.get(configMaps, named('a'))).toMatchObject({ kind: 'ConfigMap', data: { n: '1' } });
    expect(await kubernetes.get(configMaps, named('b'))).toBeNull();
  });

  test('lists in pages, and every item says what it is', async () => {
    await Promise.all(
      Array.from({ length: 501 }, (_, n) => kubernetes.create(configMap(`m-${n}`, { labels: { n: 'x' } }))),
    );
    const all = await kubernetes.list(configMaps, { namespace, labels: 'n=x' });
    expect(new Set(all.map(({ metadata }) => metadata.name)).size).toBe(501);
    expect(new Set(all.map(({ kind, apiVersion }) => `${apiVersion} ${kind}`))).toEqual(new Set(['v1 ConfigMap']));
    expect(countOf('list', 'configmaps')).toBe(2);
    expect(countOf('create', 'configmaps')).toBe(501);
  });

  test('can leave out all but the metadata', async () => {
    await kubernetes.create(configMap('a', { labels: { n: 'y' }, data: { large: 'x'.repeat(1_000) } }));
    const one = await kubernetes.get(configMaps, named('a'), { metadataOnly: true });
    const [same] = await kubernetes.list(configMaps, { namespace, labels: 'n=y', metadataOnly: true });
    for (const found of [one, same]) {
      expect(found).toMatchObject({ kind: 'ConfigMap', metadata: { name: 'a' } });
      expect(found).not.toHaveProperty('data');
    }
    expect(await kubernetes.list(configMaps, { namespace, labels: 'n=none', metadataOnly: true })).toEqual([]);
  });

  test('applies its own fields, removes those it gives up, takes over those of others and leaves the rest', async () => {
    await plane.kubectl([
      'create',
      'configmap',
      'a',
      '--from-literal=mine=0',
      '--from-literal=theirs=1',
      '-n',
      namespace,
    ]);
    await kubernetes.apply(configMap('a', { data: { mine: '1', passing: '1' } }));
    const after = await kubernetes.apply(configMap('a', { data: { mine: '2' } }));
    expect(after).toMatchObject({ data: { mine: '2', theirs: '1' } });
    expect(after.data).not.toHaveProperty('passing');
  });

  test('applies a status apart from the rest', async () => {
    const container = { name: 'main', image: 'none' };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace } };
    await kubernetes.create({ ...pod, spec: { containers: [container] } });
    await kubernetes.apply({ ...pod, status: { phase: 'Failed', reason: 'Evicted' } }, { subresource: 'status' });
    expect(await kubernetes.get(pods, named('a'))).toMatchObject({ status: { phase: 'Failed', reason: 'Evicted' } });
    expect(countOf('apply', 'pods/status')).toBe(1);
  });

  test('patches what is there', async () => {
    await kubernetes.create(configMap('a', { data: { n: '1', m: '1' } }));
    expect(await kubernetes.patch(configMaps, named('a'), { data: { n: null } })).toMatchObject({ data: { m: '1' } });
    expect(await kubernetes.patch(configMaps, named('b'), { data: { n: null } })).toBeNull();
  });

  test('removes only the object that was meant, and what is gone without an error', async () => {
    await kubernetes.create(configMap('a'));
    await kubernetes.remove(configMaps, named('a'), { uid: '3d0f2a3c-0000-4000-8000-000000000000' });
    const { metadata } = (await kubernetes.get(configMaps, named('a'))) as Resource;
    await kubernetes.patch(configMaps, named('a'), { data: { n: '1' } });
    await kubernetes.remove(configMaps, named('a'), { resourceVersion: metadata.resourceVersion ?? '' });
    expect(await kubernetes.get(configMaps, named('a'))).not.toBeNull();
    await kubernetes.remove(configMaps, named('a'), { uid: metadata.uid ?? '' });
    await kubernetes.remove(configMaps, named('a'));
    expect(await kubernetes.get(configMaps, named('a'))).toBeNull();
  });

  test('that the server refuses says why, with status and reason', async () => {
    const wrong = kubernetes.create({ ...configMap('A b'), metadata: { name: 'A b', namespace } });
    await expect(wrong).rejects.toMatchObject({ name: 'KubernetesError', status: 422, reason: 'Invalid' });
    await expect(wrong).rejects.toThrow(/configmaps: ConfigMap "A b" is invalid/);
  });
});

/** What a listener would know, and what it was told. */
function follow(where: { labels?: string } = {}) {
  const known = new Map<string, unknown>();
  const lists: number[] = [];
  const ended = kubernetes.watch(
    configMaps,
    { namespace, ...where },
    {
      list(all) {
        known.clear();
        for (const one of all) known.set(one.metadata.name, one.data);
        lists.push(all.length);
      },
      change(type, one) {
        if (type === 'DELETED') known.delete(one.metadata.name);
        else known.set(one.metadata.name, one.data);
      },
    },
    stop.signal,
  );
  return { known: () => Object.fromEntries(known), lists, ended };
}

describe('a watch', () => {
  test('lists what is there, tells what changes, and ends when it is told to', async () => {
    await kubernetes.create(configMap('a', { labels: { n: 'x' }, data: { v: '1' } }));
    await kubernetes.create(configMap('other'));
    const { known, lists, ended } = follow({ labels: 'n=x' });
    await expect.poll(known, soon).toEqual({ a: { v: '1' } });
    await kubernetes.create(configMap('b', { labels: { n: 'x' }, data: { v: '1' } }));
    await kubernetes.patch(configMaps, named('a'), { data: { v: '2' } });
    await expect.poll(known, soon).toEqual({ a: { v: '2' }, b: { v: '1' } });
    await kubernetes.remove(configMaps, named('a'));
    await expect.poll(known, soon).toEqual({ b: { v: '1' } });
    expect(lists).toEqual([1]);
    stop.abort();
    await ended;
  });

  test('goes on after the API server was killed, and lists afresh when it has missed too much', async () => {
    const server = apiServerOf(plane);
    await kubernetes.create(configMap('a', { labels: { n: 'x' }, data: { v: '1' } }));
    const { known, lists } = follow({ labels: 'n=x' });
    await expect.poll(known, soon).toEqual({ a: { v: '1' } });
    // Of these the watch hears nothing, so that it asks for more than the new server still has.
    for (let n = 0; n < 5; n++) await kubernetes.create(configMap(`other-${n}`));
    server.kill();
    await server.start();
    await kubernetes.create(configMap('b', { labels: { n: 'x' }, data: { v: '1' } }));
    await expect.poll(known, soon).toEqual({ a: { v: '1' }, b: { v: '1' } });
    await kubernetes.remove(configMaps, named('a'));
    await expect.poll(known, soon).toEqual({ b: { v: '1' } });
    expect(lists.length).toBeGreaterThan(1);
  });

  test('waits for an API server that is away, and a read does for a while', async () => {
    const server = apiServerOf(plane);
    server.kill();
    const { known } = follow();
    const read = kubernetes.get(configMaps, named('a')).catch((error: Error) => error.message);
    expect(await read).toMatch(/could not be asked/);
    await server.start();
    await kubernetes.create(configMap('a', { data: { v: '1' } }));
    await expect.poll(known, soon).toMatchObject({ a: { v: '1' } });
  });

  test('that its listener throws at tells again', async () => {
    await kubernetes.create(configMap('a'));
    const seen: string[] = [];
    const on = {
      list() {},
      change(_type: string, one: Resource) {
        seen.push(one.metadata.name);
        if (seen.length === 1) throw new Error('the listener has an accident');
      },
    };
    void kubernetes.watch(configMaps, { namespace, labels: 'n=x' }, on, stop.signal);
    await expect.poll(() => countOf('watch', 'configmaps'), soon).toBe(1);
    await kubernetes.create(configMap('b', { labels: { n: 'x' } }));
    await expect.poll(() => seen, soon).toEqual(['b', 'b']);
  });
});
