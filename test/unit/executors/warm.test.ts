import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findRunners } from '../../../controller/executors/processes/runners.ts';
import { identifyProcess } from '../../../schemas/processes.ts';
import { ended, observe, run, soon, warmHome } from './warm-home.ts';

describe('a runner that is free', () => {
  test('runs the next attempt of the same bundle in the same environment, with a log and a report of its own', async () => {
    const { file, attempt, createExecutor, pidOf } = await warmHome();
    const executor = createExecutor();
    const ids = ['1.quick.1', '2.quick.1', '3.quick.1'];
    for (const id of ids) {
      expect(await run(executor, attempt(id))).toMatchObject({ attemptId: id, outcome: 'Succeeded' });
      expect(await readFile(file(id, 'log'), 'utf8')).toMatch(/^\S+ quick: 1 rows\n$/);
      expect(existsSync(file(id, 'scratch'))).toBe(false);
    }
    expect(new Set(ids.map(pidOf)).size).toBe(1);
  });

  test('gets nothing of another bundle, nor of another environment', async () => {
    const { home, attempt, createExecutor, pidOf } = await warmHome();
    const executor = createExecutor();
    await mkdir(join(home, 'secrets/warehouse'));
    const secret = (value: string) => writeFile(join(home, 'secrets/warehouse/password'), value);
    const withSecret = { secrets: [{ name: 'warehouse', key: 'password' }] };
    await run(executor, attempt('1.quick.1'));
    await run(executor, attempt('2.quick.1', { digest: 'b' }));
    await secret('old');
    await run(executor, attempt('3.quick.1', withSecret));
    await run(executor, attempt('4.quick.1', withSecret));
    await secret('new');
    await run(executor, attempt('5.quick.1', withSecret));
    const [first, other, old, oldAgain, rotated] = [1, 2, 3, 4, 5].map((n) => pidOf(`${n}.quick.1`));
    expect(old).toBe(oldAgain);
    expect(new Set([first, other, old, rotated]).size).toBe(4);
  });

  test('gets no attempt of a task that was tried before', async () => {
    const { attempt, createExecutor, pidOf } = await warmHome();
    const executor = createExecutor();
    await run(executor, attempt('1.quick.1'));
    await run(executor, attempt('1.quick.2'));
    expect(pidOf('1.quick.2')).not.toBe(pidOf('1.quick.1'));
  });

  test('ends after a while', async () => {
    const { attempt, createExecutor, pidOf } = await warmHome();
    const executor = createExecutor({ idleMs: 10 });
    await run(executor, attempt('1.quick.1'));
    await ended(pidOf('1.quick.1'));
  });

  test('ends with an executor that is closed, and what has an attempt in hand goes on', async () => {
    const { home, attempt, createExecutor, begun } = await warmHome();
    const executor = createExecutor();
    await run(executor, attempt('1.quick.1'));
    const [free] = await findRunners(home);
    await executor.launch(attempt('2.endless.1', { digest: 'b' }));
    await begun('2.endless.1');
    await executor.close?.();
    expect(identifyProcess(free?.identity.pid as number)).toBeNull();
    expect(await observe(executor, '2.endless.1')).toEqual({ state: 'running' });
  });

  test('makes room when there would be more processes than tasks may run at once', async () => {
    const { attempt, createExecutor, pidOf, begun } = await warmHome();
    const executor = createExecutor({ capacity: 1 });
    await run(executor, attempt('1.quick.1'));
    await executor.launch(attempt('2.endless.1', { digest: 'b' }));
    await begun('2.endless.1');
    await ended(pidOf('1.quick.1'));
    expect(await observe(executor, '2.endless.1')).toEqual({ state: 'running' });
  });

  test('and dies with an attempt on its way to it, loses that one and no other', async () => {
    const { attempt, createExecutor, pidOf } = await warmHome();
    const executor = createExecutor();
    await run(executor, attempt('1.quick.1'));
    const pid = pidOf('1.quick.1');
    process.kill(pid, 'SIGSTOP');
    await executor.launch(attempt('2.quick.1'));
    expect(await observe(executor, '2.quick.1')).toEqual({ state: 'running' });
    process.kill(pid, 'SIGKILL');
    await expect
      .poll(() => observe(executor, '2.quick.1'), soon)
      .toEqual({ state: 'gone', detail: 'its runner ended without a report (signal SIGKILL)' });
    expect(await executor.fence('2.quick.1')).toBeNull();
    expect((await observe(executor, '1.quick.1'))?.state).toBe('reported');
  });

  test('finds an attempt that somebody has barred, and leaves it alone', async () => {
    const { attempt, createExecutor, pidOf } = await warmHome();
    const executor = createExecutor();
    await run(executor, attempt('1.quick.1'));
    const pid = pidOf('1.quick.1');
    process.kill(pid, 'SIGSTOP');
    await executor.launch(attempt('2.quick.1'));
    // Another controller's: it knows nothing of this process.
    expect(await createExecutor().fence('2.quick.1')).toBeNull();
    process.kill(pid, 'SIGCONT');
    await ended(pid);
    await expect.poll(async () => (await observe(executor, '2.quick.1'))?.state, soon).toBe('gone');
  });
});

describe('a runner that has run others', () => {
  test('is left alone by whoever ends one of those', async () => {
    const { file, attempt, createExecutor, pidOf, begun } = await warmHome();
    const executor = createExecutor({ graceMs: 10 });
    await run(executor, attempt('1.quick.1'));
    await executor.launch(attempt('2.endless.1'));
    await begun('2.endless.1');
    expect(pidOf('2.endless.1')).toBe(pidOf('1.quick.1'));
    await executor.stop('1.quick.1');
    expect(await executor.fence('1.quick.1')).toMatchObject({ outcome: 'Succeeded' });
    expect((await observe(executor, '1.quick.1'))?.state).toBe('reported');
    const beat = () => readFile(file('2.endless.1', 'beat'), 'utf8');
    const before = Number(await beat());
    await expect.poll(async () => Number(await beat()), soon).toBeGreaterThan(before + 2);
    expect(await observe(executor, '2.endless.1')).toEqual({ state: 'running' });
  });

  test('ends with the attempt that it is told to stop, which says that it was cancelled', async () => {
    const { attempt, createExecutor, pidOf, begun } = await warmHome();
    const executor = createExecutor();
    await run(executor, attempt('1.quick.1'));
    await executor.launch(attempt('2.endless.1'));
    await begun('2.endless.1');
    await executor.stop('2.endless.1');
    await ended(pidOf('1.quick.1'));
    expect(await observe(executor, '2.endless.1')).toMatchObject({ report: { outcome: 'Cancelled' } });
  });

  test('is fenced when it is frozen, and what it has reported before stands', async () => {
    const { attempt, createExecutor, pidOf, begun } = await warmHome();
    const executor = createExecutor({ silenceMs: 300 });
    await run(executor, attempt('1.quick.1'));
    await executor.launch(attempt('2.endless.1'));
    await begun('2.endless.1');
    process.kill(pidOf('1.quick.1'), 'SIGSTOP');
    await expect.poll(() => observe(executor, '2.endless.1'), soon).toEqual({ state: 'silent' });
    expect(await executor.fence('2.endless.1')).toBeNull();
    expect(identifyProcess(pidOf('1.quick.1'))).toBeNull();
    expect((await observe(executor, '1.quick.1'))?.state).toBe('reported');
  });

  test('ends with one that fails', async () => {
    const { attempt, createExecutor, pidOf } = await warmHome();
    const executor = createExecutor();
    await run(executor, attempt('1.quick.1'));
    expect(await run(executor, attempt('2.failing.1'))).toMatchObject({ outcome: 'Failed', reason: 'TransformFailed' });
    await ended(pidOf('1.quick.1'));
  });

  test('ends an attempt by its own timeout, and not by that of another', async () => {
    const { file, attempt, createExecutor, pidOf, begun } = await warmHome();
    const executor = createExecutor();
    await run(executor, attempt('1.quick.1', { timeoutMs: 1_000 }));
    await executor.launch(attempt('2.endless.1', { timeoutMs: 2_000 }));
    await begun('2.endless.1');
    const beat = async () => Number(await readFile(file('2.endless.1', 'beat'), 'utf8'));
    await expect.poll(beat, soon).toBeGreaterThan(12);
    expect(await observe(executor, '2.endless.1')).toEqual({ state: 'running' });
    await expect
      .poll(() => observe(executor, '2.endless.1'), soon)
      .toMatchObject({ state: 'reported', report: { reason: 'TimedOut' } });
    expect(pidOf('2.endless.1')).toBe(pidOf('1.quick.1'));
  });

  test('tells the memory of each by itself', async () => {
    const { attempt, createExecutor, pidOf } = await warmHome();
    const executor = createExecutor();
    const { peakMemoryBytes: large } = await run(executor, attempt('1.large.1'));
    const { peakMemoryBytes: small } = await run(executor, attempt('2.quick.1'));
    expect(pidOf('2.quick.1')).toBe(pidOf('1.large.1'));
    expect(small).toBeLessThan(large as number);
  });
});
