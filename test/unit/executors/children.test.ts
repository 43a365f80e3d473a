import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { createChildren } from '../../../controller/executors/processes/children.ts';
import type { ProcessIdentity } from '../../../schemas/processes.ts';

/** A process that is free whenever it gets a message, and at once. */
function start(): ChildProcess {
  const script = "process.on('message', () => process.send('free')); process.send('free')";
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function childrenWith(attemptId: string) {
  const told: (() => void)[] = [];
  const onEnd = () => {
    for (const tell of told.splice(0)) tell();
  };
  const children = createChildren({ onEnd, lookMs: 10, most: 4, idleMs: 60_000 });
  const child = start();
  const isFree = () => new Promise<void>((resolve) => told.push(resolve));
  const first = isFree();
  children.add(attemptId, 'key', child);
  const identity = children.get(attemptId)?.identity as ProcessIdentity;
  await first;
  return { children, child, identity, isFree };
}

test('a process that went on to another attempt is not ended for the sake of the first', async () => {
  const { children, identity } = await childrenWith('a');
  expect(children.get('a')?.ended).toBe('it said that it was over');
  expect(children.give('b', 'key', '/b')).toBe(true);
  expect(children.isElsewhere(identity, 'a')).toBe(true);
  expect(children.mayEnd(identity, 'a')).toBe(false);
  expect(children.isElsewhere(identity, 'b')).toBe(false);
  expect(children.get('b')).toMatchObject({ identity, ended: null });
});

test('a process that was told to end gets no other attempt, though it was free before the signal came', async () => {
  const { children, child, identity, isFree } = await childrenWith('a');
  const free = isFree();
  children.give('b', 'key', '/b');
  expect(children.mayEnd(identity, 'b')).toBe(true);
  const ended = once(child, 'exit');
  await free;
  expect(children.give('c', 'key', '/c')).toBe(false);
  await ended;
});

test('a process is given one attempt at a time, and only what has its key', async () => {
  const { children, isFree } = await childrenWith('a');
  expect(children.give('b', 'another key', '/b')).toBe(false);
  const free = isFree();
  expect(children.give('b', 'key', '/b')).toBe(true);
  expect(children.give('c', 'key', '/c')).toBe(false);
  await free;
  expect(children.give('c', 'key', '/c')).toBe(true);
});

test('a process that has ended is given nothing', async () => {
  const { children, child } = await childrenWith('a');
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  expect(children.give('b', 'key', '/b')).toBe(false);
});
