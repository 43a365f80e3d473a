import { describe, expect, test } from 'vitest';
import { id, report, running, soon, terminated, useJobs, waiting } from './bench.ts';

const at = useJobs();

describe('an attempt', () => {
  test('is reported when its report came over HTTP, whatever its pod does', async () => {
    await at.executor.launch(at.attempt());
    at.reports.set(id, report());
    expect(await at.observed()).toEqual({ state: 'reported', report: report() });
  });

  test('is reported by what its pod left when nothing else came, marked as partial', async () => {
    await at.executor.launch(at.attempt());
    const { sample: _, blocks: __, ...small } = report();
    const message = JSON.stringify({ report: small });
    await at.say(await at.firstPod(), { phase: 'Succeeded', ...terminated({ exitCode: 0, message }) });
    await expect.poll(at.observed, soon).toEqual({ state: 'reported', report: { ...report(), partial: true } });
  });

  test('runs on while its pod waits for a node, and says so', async () => {
    await at.executor.launch(at.attempt());
    await expect
      .poll(() => at.executor.describe?.(id)?.pending, soon)
      .toEqual({
        reason: 'Unschedulable',
        message: expect.stringContaining('no nodes available'),
      });
    expect(await at.observed()).toEqual({ state: 'running' });
    const pod = await at.firstPod();
    expect(at.executor.describe?.(id)).toEqual({
      namespace: at.namespace,
      job: (await at.firstJob()).metadata.name,
      pod: pod.metadata.name,
      pending: expect.anything(),
    });
    await at.bind(pod);
    await expect.poll(() => at.executor.describe?.(id)?.node, soon).toBe('nobody');
  });

  test('is gone when its pod has waited for too long', async () => {
    at.executor = at.create({ pendingMs: 1_000 });
    await at.executor.launch(at.attempt());
    await expect.poll(at.observed, soon).toMatchObject({
      state: 'gone',
      reason: 'Unschedulable',
      detail: expect.stringContaining('did not start within'),
    });
  });

  test('that gets no pod because of a quota says so', async () => {
    await at.plane.kubectl(['create', 'quota', 'none', '--hard=pods=0', '-n', at.namespace]);
    await at.executor.launch(at.attempt());
    const pending = async () => {
      await at.observed();
      return at.executor.describe?.(id)?.pending;
    };
    await expect.poll(pending, soon).toEqual({
      reason: 'PodRefused',
      message: expect.stringContaining('exceeded quota'),
    });
    expect(await at.observed()).toEqual({ state: 'running' });
  });

  test('says which image its node runs, by digest', async () => {
    await at.executor.launch(at.attempt());
    const image = 'images.example.org/runner@sha256:0123';
    const runner = {
      name: 'runner',
      image: 'runner:1',
      imageID: image,
      restartCount: 0,
      ready: true,
      state: { running: {} },
    };
    await at.say(await at.firstPod(), { phase: 'Running', containerStatuses: [runner] });
    await expect.poll(() => at.executor.describe?.(id)?.image, soon).toBe(image);
  });

  test('says which image cannot be pulled', async () => {
    await at.executor.launch(at.attempt());
    const status = waiting('ImagePullBackOff', 'Back-off pulling image "runner:1"');
    await at.say(await at.firstPod(), { phase: 'Pending', ...status });
    await expect
      .poll(() => at.executor.describe?.(id)?.pending, soon)
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
    await at.executor.launch(at.attempt());
    await at.say(await at.firstPod(), { phase: 'Failed', ...status });
    await expect.poll(at.observed, soon).toMatchObject({ state: 'gone', detail: expect.stringMatching(detail) });
    expect(await at.observed()).toHaveProperty('state', 'gone');
    expect(((await at.observed()) as { reason?: string }).reason).toBe(reason);
    expect(await at.executor.fence(id)).toBeNull();
  });

  test('goes on in another pod when the first one was disrupted', async () => {
    await at.executor.launch(at.attempt());
    const pod = await at.firstPod();
    const conditions = [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }];
    await at.say(pod, { phase: 'Failed', conditions });
    await expect.poll(at.podNames, soon).toHaveLength(2);
    expect(await at.observed()).toEqual({ state: 'running' });
    expect(at.executor.describe?.(id)?.pod).not.toBe(pod.metadata.name);
  });

  test('that overran the deadline of its Job is gone as timed out', async () => {
    at.executor = at.create({ pendingMs: 2_000 });
    await at.executor.launch(at.attempt(id, { timeoutMs: 1_000 }));
    await at.say(await at.firstPod(), running);
    await expect.poll(at.observed, soon).toMatchObject({ state: 'gone', reason: 'TimedOut' });
  });

  test('whose node no longer answers is gone, and its fence does not wait for that node', async () => {
    at.executor = at.create({ lostNodeMs: 0 });
    await at.executor.launch(at.attempt());
    const pod = await at.firstPod();
    await at.bind(pod);
    await at.say(pod, running);
    await at.plane.kubectl([
      'delete',
      'pod',
      pod.metadata.name,
      '-n',
      at.namespace,
      '--wait=false',
      '--grace-period=1',
    ]);
    await expect.poll(at.observed, soon).toMatchObject({ state: 'gone', reason: 'NodeLost' });
    expect(await at.executor.fence(id)).toBeNull();
    expect(await at.podNames()).toEqual(expect.not.arrayContaining(['']));
    expect((await at.pods()).filter(({ metadata }) => metadata.deletionGracePeriodSeconds !== 0)).toEqual([]);
  });

  test('whose Job was deleted by hand is gone, also for a controller that has just started', async () => {
    await at.executor.launch(at.attempt());
    await at.firstPod();
    await expect.poll(at.observed, soon).toEqual({ state: 'running' });
    await at.plane.kubectl(['delete', 'jobs', '--all', '-n', at.namespace]);
    await expect.poll(at.observed, soon).toMatchObject({ state: 'gone', reason: 'JobDeleted' });
    at.executor = at.create();
    await expect.poll(at.observed, soon).toMatchObject({ state: 'gone', reason: 'JobDeleted' });
  });
});
