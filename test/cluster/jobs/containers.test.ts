import { describe, expect, test } from 'vitest';
import type { ContainerTask } from '../../../controller/executors/port.ts';
import type { Resource } from '../../../controller/kubernetes/client.ts';
import { id, running, soon, terminated, useJobs } from './bench.ts';

const at = useJobs();

const container: ContainerTask = {
  block: 'load_trips',
  origin: { file: 'a.yaml', line: 3, column: 5 },
  image: 'team/score:2',
  args: ['--fast'],
  env: { MODE: 'full' },
  inputs: [],
};
const span = { startedAt: '2026-01-01T00:00:00Z', finishedAt: '2026-01-01T00:00:02Z' };

async function launch(order: { timeoutMs?: number } = {}): Promise<Resource> {
  await at.executor.launch(at.attempt(id, order, { container }));
  return at.firstPod();
}

describe('a container', () => {
  test('is one pod of its image that the strictest standard lets through, without a bundle', async () => {
    const pod = await launch({ timeoutMs: 5_000 });
    expect(pod.spec).toMatchObject({
      activeDeadlineSeconds: 5,
      containers: [{ image: 'team/score:2', args: ['--fast'] }],
    });
    expect(await at.bundlesIn()).toEqual([]);
    expect(at.kubernetes.calls().filter(({ verb }) => verb === 'create')).toEqual([
      { verb: 'create', resource: 'jobs', count: 1 },
    ]);
  });

  test('that succeeded is reported with what it put out', async () => {
    const message = '{"rows": 12, "path": "gs://a/b"}';
    await at.say(await launch(), { phase: 'Succeeded', ...terminated({ exitCode: 0, message, ...span }) });
    await expect.poll(at.observed, soon).toMatchObject({
      state: 'reported',
      report: {
        outcome: 'Succeeded',
        durationMs: 2_000,
        outputs: { rows: 12, path: 'gs://a/b' },
        blocks: [{ name: 'load_trips', kind: 'container' }],
      },
    });
    expect(await at.executor.fence(id)).toMatchObject({ outcome: 'Succeeded' });
  });

  test('that failed is reported with its exit code and its last words', async () => {
    const ended = terminated({ exitCode: 3, reason: 'Error', message: 'no such bucket\n', ...span });
    await at.say(await launch(), { phase: 'Failed', ...ended });
    await expect.poll(at.observed, soon).toMatchObject({
      state: 'reported',
      report: {
        outcome: 'Failed',
        reason: 'ContainerFailed',
        error: {
          message: 'the container ended with exit code 3; its last words: no such bucket',
          file: 'a.yaml',
          line: 3,
        },
      },
    });
  });

  test.each([
    ['used too much memory', terminated({ reason: 'OOMKilled' }), 'OutOfMemory'],
    ['took too long', { reason: 'DeadlineExceeded', ...terminated({ exitCode: 143 }) }, 'TimedOut'],
    ['was evicted', { reason: 'Evicted', message: 'emptyDir over 1Gi' }, 'Evicted'],
  ])('that %s is gone for that reason', async (_, status, reason) => {
    await at.say(await launch(), { phase: 'Failed', ...status });
    await expect.poll(at.observed, soon).toMatchObject({ state: 'gone', reason });
    expect(await at.executor.fence(id)).toBeNull();
  });

  test('goes on in another pod when the first one was disrupted', async () => {
    const conditions = [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }];
    await at.say(await launch(), { phase: 'Failed', conditions, ...terminated({ exitCode: 143 }) });
    await expect.poll(at.podNames, soon).toHaveLength(2);
    expect(await at.observed()).toEqual({ state: 'running' });
  });

  test('that had succeeded before it was stopped has succeeded', async () => {
    const pod = await launch();
    await at.say(pod, { phase: 'Succeeded', ...terminated({ exitCode: 0, ...span }) });
    await at.executor.stop(id);
    expect(await at.executor.fence(id)).toMatchObject({ outcome: 'Succeeded', outputs: {} });
  });

  test('that is fenced while it runs leaves nothing', async () => {
    await at.say(await launch(), running);
    expect(await at.executor.fence(id)).toBeNull();
    expect(await at.podNames()).toEqual([]);
    await expect.poll(at.observed, soon).toMatchObject({ state: 'gone' });
  });
});
