import { afterEach, beforeEach, expect, test } from 'vitest';
import { startAt } from './pipeline.ts';
import { createWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.close());

const minuteMs = 60_000;

test('what was due when a schedule changed is due although the clock was set back since', async () => {
  const written = { every: '2 hours', catchUp: 'all', maxActiveRuns: 1, suspend: false, note: 1 } as const;
  await world.write(written);
  await world.pass(0, 'sync');
  await world.setClock(startAt + 125 * minuteMs);
  await world.write({ ...written, every: '30 minutes' });
  await world.pass(0, 'sync');
  await world.setClock(startAt + 120 * minuteMs);
  await world.pass(0, 'schedule');
  const windows = await world.query('select end_at from windows order by end_at');
  expect(windows.map((row) => ((row.end_at as Date).getTime() - startAt) / minuteMs)).toEqual([30, 60, 90, 120]);
});

test('what a controller had claimed when it died is begun although the clock was set back since', async () => {
  await world.write({ every: 'hour', catchUp: 'all', maxActiveRuns: 1, suspend: false, note: 1 });
  await world.setClock(startAt + 60 * minuteMs);
  for (const step of ['sync', 'schedule', 'admit', 'advance'] as const) await world.pass(0, step);
  expect(await world.pass(0, 'launch', 'launch.after-claim')).toBe(true);
  await world.pass(1, 'launch');
  expect(world.fake.running()).toHaveLength(0);
  await world.setClock(startAt + 20 * minuteMs);
  await world.pass(1, 'launch');
  expect(world.fake.running()).toHaveLength(1);
});
