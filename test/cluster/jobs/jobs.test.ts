import { describe, expect, test } from 'vitest';
import type { Resource } from '../../../controller/kubernetes/client.ts';
import { apiServerOf } from '../api-server.ts';
import { id, jobKind, podKind, report, running, soon, useJobs } from './bench.ts';

const at = useJobs();

describe('launch', () => {
  test('makes a bundle and a Job that the strictest standard for pods lets through', async () => {
    await at.executor.launch(at.attempt());
    const pod = await at.firstPod();
    expect((await at.firstJob()).metadata.name).toMatch(/^yellow-taxi-to-postgres-m7-load-trips-1-[0-9a-f]{10}$/);
    expect(pod.metadata.annotations).toMatchObject({ 'pipewright.dev/attempt-id': id });
    const [bundle] = await at.bundlesIn();
    expect(bundle).toMatchObject({ immutable: true, metadata: { name: expect.stringMatching(/^pipewright-bundle-/) } });
  });

  test('that is called again, and from two controllers at once, leaves one Job', async () => {
    const other = at.create({ kubernetes: at.connect() });
    await Promise.all([at.executor.launch(at.attempt()), other.launch(at.attempt()), at.executor.launch(at.attempt())]);
    await at.executor.launch(at.attempt());
    expect(await at.jobs()).toHaveLength(1);
    await at.firstPod();
    expect(at.bundles).toBeLessThanOrEqual(2);
  });

  test('refuses a Job of that name that is not of this attempt', async () => {
    await at.executor.launch(at.attempt());
    const { metadata } = await at.firstJob();
    await at.kubernetes.patch(jobKind, metadata, {
      metadata: { annotations: { 'pipewright.dev/attempt-id': 'other' } },
    });
    await expect(at.executor.launch(at.attempt())).rejects.toThrow(/exists in namespace .* but is not this attempt's/);
  });

  test('into a namespace that is not there fails in a sentence, and leaves nothing to wait for', async () => {
    at.executor = at.create({ namespace: 'nowhere' });
    await expect(at.executor.launch(at.attempt())).rejects.toThrow('namespaces "nowhere" not found');
    expect(await at.executor.fence(id)).toBeNull();
  });

  test('tells two ledgers in one namespace apart', async () => {
    await at.executor.launch(at.attempt());
    const other = at.create({ ledgerId: 'ledger-b' });
    await other.launch(at.attempt(id, { ledgerId: 'ledger-b' }));
    expect(await at.jobs()).toHaveLength(2);
    await other.fence(id);
    await expect.poll(at.podNames, soon).toHaveLength(1);
    expect(await at.observed()).toEqual({ state: 'running' });
  });
});

describe('a fence', () => {
  test('ends what runs, and whoever launches later finds the attempt ended', async () => {
    await at.executor.launch(at.attempt());
    await at.firstPod();
    expect(await at.executor.fence(id)).toBeNull();
    expect(await at.podNames()).toEqual([]);
    await at.create({ kubernetes: at.connect() }).launch(at.attempt());
    expect(await at.jobs()).toHaveLength(1);
    await expect.poll(at.observed, soon).toMatchObject({ state: 'gone' });
    expect(await at.podNames()).toEqual([]);
  });

  test('takes the name of a Job that was deleted, so that a late launch makes no pod', async () => {
    await at.executor.launch(at.attempt());
    await at.plane.kubectl(['delete', 'jobs', '--all', '-n', at.namespace]);
    expect(await at.executor.fence(id)).toBeNull();
    await at.create({ kubernetes: at.connect() }).launch(at.attempt());
    const [job, ...others] = await at.jobs();
    expect(others).toEqual([]);
    await expect
      .poll(async () => JSON.stringify((await at.kubernetes.get(jobKind, (job as Resource).metadata))?.status), soon)
      .toContain('"Complete"');
    expect(await at.podNames()).toEqual([]);
  });

  test('returns the report that came meanwhile', async () => {
    await at.executor.launch(at.attempt());
    at.reports.set(id, report());
    expect(await at.executor.fence(id)).toEqual(report());
  });

  test('of what was never launched has nothing to do', async () => {
    expect(await at.executor.fence(id)).toBeNull();
    expect(await at.jobs()).toEqual([]);
  });

  test('that cannot end a pod in time says which one', async () => {
    at.executor = at.create({ fenceMs: 500, lostNodeMs: 600_000 });
    await at.executor.launch(at.attempt());
    const pod = await at.firstPod();
    await at.bind(pod);
    await at.say(pod, running);
    await expect(at.executor.fence(id)).rejects.toThrow(pod.metadata.name);
  });
});

describe('to stop an attempt', () => {
  test('ends its pods, and is told once however often it is asked', async () => {
    await at.executor.launch(at.attempt());
    await at.firstPod();
    await at.executor.stop(id);
    await expect.poll(at.podNames, soon).toEqual([]);
    await at.executor.stop(id);
    await at.executor.stop(id);
    expect(at.kubernetes.calls().filter(({ verb }) => verb === 'patch')).toEqual([
      { verb: 'patch', resource: 'jobs', count: 1 },
    ]);
    await expect.poll(at.observed, soon).toEqual({ state: 'gone', detail: 'it was told to end' });
  });
});

describe('a sweep', () => {
  const other = '8.load_trips.1';

  test('ends Jobs of attempts that are settled, and no others', async () => {
    at.executor = at.create({ youngMs: 0 });
    await at.executor.launch(at.attempt());
    await at.executor.launch(at.attempt(other));
    await expect.poll(at.podNames, soon).toHaveLength(2);
    await at.executor.sweep([id]);
    await expect.poll(at.podNames, soon).toHaveLength(1);
    expect(await at.observed()).toEqual({ state: 'running' });
  });

  test('leaves alone what another replica may just have launched', async () => {
    await at.executor.launch(at.attempt());
    await at.firstPod();
    await at.executor.sweep([]);
    await expect.poll(at.observed, soon).toEqual({ state: 'running' });
  });

  test('deletes pods that a deleted Job left behind', async () => {
    at.executor = at.create({ youngMs: 0 });
    await at.executor.launch(at.attempt());
    const pod = await at.firstPod();
    await at.plane.kubectl(['delete', 'jobs', '--all', '-n', at.namespace, '--cascade=orphan']);
    const owners = async () => (await at.kubernetes.get(podKind, pod.metadata))?.metadata.ownerReferences ?? [];
    await expect.poll(owners, soon).toEqual([]);
    await at.executor.sweep([]);
    await expect.poll(at.podNames, soon).toEqual([]);
  });
});

// The last ones: the Job controller is slow to come back to a new API server.
describe('while the API server is away', () => {
  test('a launch that failed leaves one Job when it is called again', async () => {
    const server = apiServerOf(at.plane);
    server.kill();
    await expect(at.executor.launch(at.attempt())).rejects.toThrow(/could not be asked/);
    await server.start();
    await at.executor.launch(at.attempt());
    expect(await at.jobs()).toHaveLength(1);
    await expect.poll(at.observed, soon).toEqual({ state: 'running' });
  });

  test('an attempt is not gone, and holds up no report', async () => {
    const other = '8.load_trips.1';
    await at.executor.launch(at.attempt());
    await at.executor.launch(at.attempt(other));
    await at.plane.kubectl(['delete', 'jobs', '--all', '-n', at.namespace]);
    const server = apiServerOf(at.plane);
    server.kill();
    at.reports.set(other, report(other));
    const seen = await at.executor.observe([id, other]);
    expect(seen.get(other)?.state).toBe('reported');
    expect(seen.get(id)?.state).toBe('running');
    await expect(at.executor.fence(id)).rejects.toThrow(/could not be asked/);
    await server.start();
    await expect.poll(at.observed, soon).toMatchObject({ state: 'gone', reason: 'JobDeleted' });
  });
});
