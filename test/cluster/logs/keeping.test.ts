import { expect, test } from 'vitest';
import { soon, useLogs } from './bench.ts';

const at = useLogs();

test('a log is kept while its pod runs and read to its end; then its Job may go, and the log stays', async () => {
  const pod = await at.newPod();
  await at.say(pod, 'Running');
  at.keepLogs();
  at.kubelet.write(pod, ['one']);
  await expect.poll(() => at.kept(), soon).toBe('one\n');
  expect(await at.ttlOf()).toBeUndefined();
  at.kubelet.write(pod, ['two']);
  await at.finish(pod);
  await at.settle();
  await expect.poll(() => at.ttlOf(), soon).toBe(600);
  expect(await at.kept()).toBe('one\ntwo\n');
  await at.deleteAll();
  const { text, ended } = at.read({ follow: true });
  await ended;
  expect(text()).toBe('one\ntwo\n');
});

test('a Job keeps its life while its outcome is not settled, and is let go by one write', async () => {
  const pod = await at.newPod();
  at.kubelet.write(pod, ['one']);
  at.keepLogs();
  await at.finish(pod);
  const logState = async () => (await at.ledger.query('select ended_sources as ended, closed_at from logs'))[0];
  await expect.poll(logState, soon).toEqual({ ended: [`${pod}/runner`], closed_at: null });
  expect(await at.ttlOf()).toBeUndefined();
  const before = at.writes();
  await at.settle();
  await expect.poll(() => at.ttlOf(), soon).toBe(600);
  // A further attempt is kept after it: whatever else was to be written for the first one has been by then.
  const other = await at.launch();
  const next = await at.newPod([pod]);
  await at.finish(next, other);
  await at.settle();
  await expect.poll(() => at.ttlOf(other), soon).toBe(600);
  expect(at.writes() - before).toBe(2);
});

test('the log of a container that ended at once is read in one request', async () => {
  const pod = await at.newPod();
  at.kubelet.write(pod, ['one', 'two']);
  at.keepLogs({ followAfterMs: 60_000 });
  await at.say(pod, 'Running', {
    containerStatuses: [
      {
        ...{ name: 'runner', image: 'runner:1', imageID: '', restartCount: 0, ready: true },
        state: { running: { startedAt: new Date().toISOString() } },
      },
    ],
  });
  await at.finish(pod);
  await expect.poll(() => at.kept(), soon).toBe('one\ntwo\n');
  expect(at.kubelet.requests.map(({ follow }) => follow)).toEqual([false]);
});

test('after a broken connection only what is new is asked for and kept', async () => {
  const pod = await at.newPod();
  await at.say(pod, 'Running');
  at.keepLogs();
  at.kubelet.write(pod, ['one', 'two']);
  await expect.poll(() => at.kept(), soon).toBe('one\ntwo\n');
  at.kubelet.cut(pod);
  at.kubelet.write(pod, ['three'], { sameTime: true });
  await expect.poll(() => at.kept(), soon).toBe('one\ntwo\nthree\n');
  expect(at.kubelet.requests.at(-1)?.since).toMatch(/^2026-01-01T00:00:/);
});

test('a disrupted pod and the one after it are one log', async () => {
  at.keepLogs();
  const first = await at.newPod();
  at.kubelet.write(first, ['first']);
  at.kubelet.end(first);
  await at.say(first, 'Failed', { conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'Preempted' }] });
  const second = await at.newPod([first]);
  at.kubelet.write(second, ['second']);
  await at.finish(second);
  await expect.poll(() => at.kept(), soon).toBe('first\nsecond\n');
});

test('two that keep the same log keep each line once', async () => {
  const pod = await at.newPod();
  await at.say(pod, 'Running');
  at.keepLogs();
  at.keepLogs();
  await expect.poll(() => at.kubelet.followers(pod), soon).toBe(2);
  const lines = Array.from({ length: 100 }, (_, i) => `line ${i}`);
  for (const line of lines) {
    at.kubelet.write(pod, [line]);
    await new Promise(setImmediate);
  }
  await at.finish(pod);
  await at.settle();
  await expect.poll(() => at.ttlOf(), soon).toBe(600);
  expect((await at.kept()).trim().split('\n')).toEqual(lines);
});

test('no more logs are followed than allowed; of the others what they wrote is read at their end', async () => {
  const pod = await at.newPod();
  await at.say(pod, 'Running');
  at.keepLogs({ maxStreams: 1 });
  await expect.poll(() => at.kubelet.followers(pod), soon).toBe(1);
  const other = await at.launch();
  const next = await at.newPod([pod]);
  at.kubelet.write(next, ['other']);
  await at.say(next, 'Running');
  at.kubelet.write(pod, ['one']);
  await expect.poll(() => at.kept(), soon).toBe('one\n');
  expect(at.kubelet.requests.filter((request) => request.pod === next)).toEqual([]);
  await at.finish(next, other);
  await expect.poll(() => at.kept(other), soon).toBe('other\n');
  expect(at.kubelet.followers(pod)).toBe(1);
});

test('a log that cannot be read is given up after its time, and the reader is told', async () => {
  const pod = await at.newPod();
  at.kubelet.answerWith(pod, 500);
  at.keepLogs();
  await at.finish(pod);
  await expect.poll(() => at.kubelet.requests.length, soon).toBeGreaterThan(1);
  expect(await at.ttlOf()).toBeUndefined();
  await at.settle();
  await expect.poll(() => at.ttlOf(), soon).toBe(600);
  const { text, ended } = at.read({ follow: false });
  await ended;
  expect(text()).toBe('(what it wrote last could not be read from its node)\n');
});

test('a Job that was deleted by hand keeps what was streamed', async () => {
  const pod = await at.newPod();
  await at.say(pod, 'Running');
  at.keepLogs();
  at.kubelet.write(pod, ['one', 'two']);
  await expect.poll(() => at.kept(), soon).toBe('one\ntwo\n');
  await at.deleteAll();
  await at.settle();
  const { text, ended } = at.read({ follow: true });
  await ended;
  expect(text()).toBe('one\ntwo\n');
});

test('a log that is followed on a node that was cut off is let go when its Job is over', async () => {
  const pod = await at.newPod();
  await at.say(pod, 'Running');
  at.keepLogs({ hangMs: 100 });
  at.kubelet.write(pod, ['one']);
  await expect.poll(() => at.kept(), soon).toBe('one\n');
  // It never ends the log that it was asked for.
  await at.say(pod, 'Failed');
  await at.settle();
  await expect.poll(() => at.ttlOf(), soon).toBe(600);
  expect(at.kubelet.followers(pod)).toBe(0);
  expect(await at.kept()).toBe('one\n');
});
