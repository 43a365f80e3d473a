import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestLedger, manifest, type TestLedger } from '../../support/ledger.ts';
import { pipewright } from './command.ts';
import { serve } from './server.ts';

let ledger: TestLedger;
let api: Awaited<ReturnType<typeof serve>>;

const schedule = 'schedule: { every: month, startAt: 2019-01-01, endAt: 2019-04-01, catchUp: none }\n';

beforeAll(async () => {
  ledger = await createTestLedger();
  await ledger.write({
    'orders.yaml': manifest('orders', schedule),
    'report.yaml': manifest('report', schedule, '    - { name: ready, wait: { pipeline: orders } }\n'),
  });
  await ledger.round();
  api = await serve({ pool: ledger.pool, wake: () => void ledger.pass('intake') });
});
afterAll(async () => {
  await api.close();
  await ledger.close();
});

const ask: typeof api.ask = (...args) => api.ask(...args);
const range = ['backfill', 'orders', '--from', '2019-01', '--to', '2019-03', '--dependents'];

test('a preview tells what of other pipelines would run after it', async () => {
  expect((await ask(...range, '--dry-run')).stderr).toBe('2 windows would run.\nThen 2 windows of report.\n');
  const { dependents } = JSON.parse((await ask(...range, '--dry-run', '--output', 'json')).stdout);
  expect(dependents).toEqual([{ pipeline: 'report', total: 2, notClosed: 0, kept: 0 }]);
  const alone = await ask(...range.slice(0, -1), '--dry-run', '--output', 'json');
  expect(JSON.parse(alone.stdout)).not.toHaveProperty('dependents');
});

test('a run that waits for another pipeline says for what', async () => {
  expect((await ask(...range)).stdout).toBe('orders-b1  2 windows\nreport-b2  2 windows\n');
  for (let rounds = 0; rounds < 3; rounds++) await ledger.round();
  const { stdout } = await ask('show', 'report-2019-01');
  expect(stdout).toMatch(/^report-2019-01 +Queued\nwaits for pipeline "orders": 2019-01 is Running; gives up at 20/);
  expect(JSON.parse((await ask('show', 'report-2019-01', '--output', 'json')).stdout).waitsFor).toMatch(/^waits for/);
});

test('a run without a controller does not wait', async () => {
  const { code, stdout } = await pipewright(['run', 'report', '--local', '--dir', ledger.dir, '--window', '2019-01']);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/Task ready {2}Succeeded\n/)]);
});
