import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { findRunners } from '../../../controller/executors/processes/runners.ts';
import { identifyProcess } from '../../../schemas/processes.ts';
import { bundle, observe, runner, soon, warmHome } from './warm-home.ts';

const fixture = fileURLToPath(new URL('../../support/fixtures/executor.ts', import.meta.url));

/** Runs attempts one after the other by a controller in a process of its own, which is there when the last one has begun. */
async function controllerWith(
  { home, attempt, begun }: Awaited<ReturnType<typeof warmHome>>,
  ...ids: string[]
): Promise<ChildProcess> {
  await writeFile(join(home, 'bundles', 'a.json'), JSON.stringify(bundle));
  const orders = ids.map((id) => attempt(id).order);
  const child = spawn(process.execPath, [fixture, home, runner, JSON.stringify(orders)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  await begun(ids.at(-1) as string);
  return child;
}

test('a runner that is free ends', async () => {
  const warm = await warmHome();
  const controller = await controllerWith(warm, '1.quick.1', '2.quick.1');
  await expect.poll(() => observe(warm.createExecutor(), '2.quick.1'), soon).toMatchObject({ state: 'reported' });
  controller.kill('SIGKILL');
  await expect.poll(() => findRunners(warm.home), soon).toEqual([]);
});

test('the next controller sees what a runner has in hand, hears of its end, and finds it gone then', async () => {
  const warm = await warmHome();
  const controller = await controllerWith(warm, '1.quick.1', '2.endless.1');
  controller.kill('SIGKILL');
  const next = warm.createExecutor();
  const over = new Promise<void>((resolve) => next.onChange(resolve));
  expect(await observe(next, '2.endless.1')).toEqual({ state: 'running' });
  expect(await observe(next, '1.quick.1')).toMatchObject({ state: 'reported' });
  await next.stop('2.endless.1');
  await over;
  expect(await observe(next, '2.endless.1')).toMatchObject({ report: { outcome: 'Cancelled' } });
  expect(await findRunners(warm.home)).toEqual([]);
});

test('a runner whose first attempt is settled goes on with a live one, and ends when that is settled too', async () => {
  const warm = await warmHome();
  const controller = await controllerWith(warm, '1.quick.1', '2.endless.1');
  const pid = warm.pidOf('2.endless.1');
  controller.kill('SIGKILL');
  const next = warm.createExecutor();
  await next.sweep(['2.endless.1', '3.quick.1']);
  expect(await observe(next, '2.endless.1')).toEqual({ state: 'running' });
  await next.sweep(['3.quick.1']);
  expect(identifyProcess(pid)).toBeNull();
});
