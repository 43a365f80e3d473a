import { expect, test } from 'vitest';
import { soon, useLogs } from './bench.ts';

const at = useLogs();

test('a log is followed from its beginning until the attempt has ended', async () => {
  const pod = await at.newPod();
  const { text, ended } = at.read({ follow: true });
  at.kubelet.write(pod, ['one']);
  await at.say(pod, 'Running');
  await expect.poll(text, soon).toBe('one\n');
  at.kubelet.write(pod, ['two']);
  await expect.poll(text, soon).toBe('one\ntwo\n');
  await at.finish(pod);
  await ended;
  expect(text()).toBe('one\ntwo\n');
});

test('nothing is said twice when the connection breaks, also of lines of the same time', async () => {
  const pod = await at.newPod();
  await at.say(pod, 'Running');
  const { text, ended } = at.read({ follow: true });
  at.kubelet.write(pod, ['one']);
  at.kubelet.write(pod, ['two'], { sameTime: true });
  await expect.poll(text, soon).toBe('one\ntwo\n');
  at.kubelet.cut(pod);
  at.kubelet.write(pod, ['three'], { sameTime: true });
  await expect.poll(text, soon).toBe('one\ntwo\nthree\n');
  await at.finish(pod);
  await ended;
  expect(text()).toBe('one\ntwo\nthree\n');
});

test('the log of a disrupted pod is followed by that of the next one', async () => {
  const first = await at.newPod();
  const { text, ended } = at.read({ follow: true });
  at.kubelet.write(first, ['first']);
  at.kubelet.end(first);
  const conditions = [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }];
  await at.say(first, 'Failed', { conditions });
  const second = await at.newPod([first]);
  at.kubelet.write(second, ['second']);
  await at.finish(second);
  await ended;
  expect(text()).toBe('first\nsecond\n');
});

test('without following, what there is is all', async () => {
  const pod = await at.newPod();
  at.kubelet.write(pod, ['so far']);
  await at.say(pod, 'Running');
  const { text, ended } = at.read({ follow: false });
  await ended;
  expect(text()).toBe('so far\n');
});

test('whoever no longer listens ends the request', async () => {
  const pod = await at.newPod();
  await at.say(pod, 'Running');
  const { ended } = at.read({ follow: true });
  await expect.poll(() => at.kubelet.followers(pod), soon).toBe(1);
  at.stop.abort();
  await ended;
  await expect.poll(() => at.kubelet.followers(pod), soon).toBe(0);
});

test('a reader whose pod goes meanwhile reads on in what is kept, and hears of no line twice', async () => {
  const pod = await at.newPod();
  await at.say(pod, 'Running');
  at.keepLogs();
  at.kubelet.write(pod, ['one']);
  const { text, ended } = at.read({ follow: true });
  await expect.poll(text, soon).toBe('one\n');
  await expect.poll(() => at.kubelet.followers(pod), soon).toBe(2);
  at.kubelet.write(pod, ['two', 'three']);
  await expect.poll(() => at.kept(), soon).toBe('one\ntwo\nthree\n');
  at.kubelet.answerWith(pod, 404);
  at.kubelet.cut(pod);
  await at.settle();
  await at.deleteAll();
  await ended;
  expect(text()).toBe('one\ntwo\nthree\n');
});

test('where the node does not answer, the reader gets what is kept, and is told', async () => {
  const pod = await at.newPod();
  await at.say(pod, 'Running');
  at.keepLogs();
  at.kubelet.write(pod, ['one']);
  await expect.poll(() => at.kept(), soon).toBe('one\n');
  at.kubelet.answerWith(pod, 500);
  const { text, ended } = at.read({ follow: false });
  await ended;
  expect(text()).toMatch(/^one\n\(what it wrote since cannot be read now: .+\)\n$/);
});

test('what a node has rotated away is read from what was kept, and the rest from the node', async () => {
  const pod = await at.newPod();
  await at.say(pod, 'Running');
  const keeper = new AbortController();
  at.keepLogs({ signal: keeper.signal });
  at.kubelet.write(pod, ['one', 'two']);
  await expect.poll(() => at.kept(), soon).toBe('one\ntwo\n');
  keeper.abort();
  await expect.poll(() => at.kubelet.followers(pod), soon).toBe(0);
  at.kubelet.write(pod, ['three', 'four']);
  at.kubelet.rotate(pod, 2);
  const { text, ended } = at.read({ follow: false });
  await ended;
  expect(text()).toBe('one\ntwo\nthree\nfour\n');
});
