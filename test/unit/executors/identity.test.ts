import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { commandLine, identifyProcess, isAlive, signalGroup, signalProcess } from '../../../schemas/processes.ts';

const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  children.length = 0;
});

async function sleeper(): Promise<{ pid: number; child: ChildProcess }> {
  const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
  children.push(child);
  await once(child, 'spawn');
  return { pid: child.pid!, child };
}

test('a process is itself as long as it runs', async () => {
  const { pid, child } = await sleeper();
  const identity = identifyProcess(pid)!;
  expect(identifyProcess(pid)).toEqual(identity);
  expect(isAlive(identity)).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isAlive(identity)).toBe(false);
  expect(identifyProcess(pid)).toBeNull();
});

test('a process that got the number of an earlier one is not that one, and is not signalled for it', async () => {
  const { pid } = await sleeper();
  const earlier = { pid, startTime: '1' };
  expect(isAlive(earlier)).toBe(false);
  expect(signalGroup(earlier, 'SIGKILL')).toBe(false);
  expect(signalProcess(earlier, 'SIGKILL')).toBe(false);
  expect(identifyProcess(pid)).not.toBeNull();
});

test('a zombie has ended', async () => {
  // The shell execs into a program that never waits for its child.
  const parent = spawn('sh', ['-c', 'sleep 600 & echo $!; exec sleep 601'], { stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(parent);
  const [text] = await once(parent.stdout!, 'data');
  await expect.poll(() => commandLine(parent.pid!), { interval: 5 }).toBe('sleep 601');
  process.kill(Number(text), 'SIGKILL');
  await expect.poll(() => identifyProcess(Number(text)), { interval: 5 }).toBeNull();
  expect(process.kill(Number(text), 0)).toBe(true);
});

test('numbers that are no processes identify nothing', () => {
  for (const pid of [0, -1, 1.5, Number.NaN]) expect(identifyProcess(pid)).toBeNull();
  expect(isAlive({ pid: undefined, startTime: undefined } as never)).toBe(false);
});

test('the command line of a process is read as words', async () => {
  const { pid } = await sleeper();
  await expect.poll(() => commandLine(pid)).toBe('sleep 600');
});
