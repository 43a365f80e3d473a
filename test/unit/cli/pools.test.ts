import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestLedger, manifest, type TestLedger } from '../../support/ledger.ts';
import { blocks, poolManifest } from '../../support/pools.ts';
import { serve } from './server.ts';

let ledger: TestLedger;
let api: Awaited<ReturnType<typeof serve>>;

beforeAll(async () => {
  ledger = await createTestLedger();
  api = await serve({ pool: ledger.pool, wake: () => void ledger.pass('intake') });
});
afterAll(async () => {
  await api.close();
  await ledger.close();
});

const ask: typeof api.ask = (...args) => api.ask(...args);

test('pools says how to have one, lists who holds slots, and shows all of one', async () => {
  expect((await ask('pools')).stdout).toBe('There are no pools: add a manifest of kind Pool to have one.\n');
  await ledger.write({
    'pool.yaml': poolManifest('gpu', 2),
    'a.yaml': manifest('a', 'maxActiveRuns: 9\npool: gpu\n'),
    'b.yaml': manifest('b', 'maxActiveRuns: 9\n', blocks(['heavy', 'pool: gpu'])),
  });
  await ledger.pass('sync');
  expect((await ask('run', 'b', '--priority', '-5')).stdout).toBe('b-m1\n');
  expect(await ledger.query('select priority from runs')).toEqual([{ priority: -5 }]);
  await ledger.round();
  for (let n = 0; n < 2; n++) await ledger.ask('run', { pipeline: 'a' });
  await ledger.round();

  const listed = await ask('pools');
  expect(listed.stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['NAME', 'SOURCE', 'USED', 'WAITING', 'HELD BY'],
    ['gpu', 'local', '2/2', '1', 'b-m1 (heavy), a-m1'],
    [''],
  ]);
  const one = await ask('pools', 'gpu');
  expect(one.stdout).toContain('gpu  2 of 2 slots in use, 1 waiting');
  expect(one.stdout).toMatch(/^a-m2 +waits/m);
  const { pools } = JSON.parse((await ask('pools', 'gpu', '--output', 'json')).stdout);
  expect(pools).toMatchObject([{ name: 'gpu', slots: 2, used: 2, waiting: 1, waiters: [{ run: 'a-m2', task: null }] }]);
  expect((await ask('show', 'a-m2')).stdout).toContain('waits for a slot of pool "gpu" (2 of 2 in use)\n');
});

test('pools of a name that no pool has is a refusal with the way out', async () => {
  const { code, stderr } = await ask('pools', 'cpu');
  expect([code, stderr]).toEqual([1, 'pipewright: there is no pool "cpu"; `pipewright pools` lists them\n']);
});
