import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Place } from '../../controller/executors/port.ts';
import { readRun } from '../../controller/store/reads-run.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';

let ledger: TestLedger;
/** Where the executor sees every attempt; null when there is nothing to see any more. */
let seen: Place | null;
beforeEach(async () => {
  ledger = await createTestLedger({ publishes: true });
  ledger.fake.executor.describe = () => seen;
  seen = { namespace: 'jobs', pod: 'a-1' };
  await ledger.write({ 'a.yaml': manifest('a') });
  await ledger.pass('sync');
  await ledger.ask('run', { pipeline: 'a' });
  await ledger.round();
});
afterEach(() => ledger.close());

const image = 'images.example.org/runner@sha256:0123';
const shown = async () => (await readRun(ledger.pool, 'a-m1'))?.tasks[0]?.attempts[0]?.image;

test('an attempt is shown with the image that its node says it runs', async () => {
  expect(await shown()).toBeNull();
  seen = { namespace: 'jobs', pod: 'a-1', image };
  await ledger.pass('observe');
  expect(await shown()).toBe(image);
});

test('the image of an attempt that ended before its node had named it is kept when it does', async () => {
  ledger.fake.endAll('Succeeded');
  await ledger.pass('observe', 'advance');
  expect(await shown()).toBeNull();
  await ledger.query('delete from dirty');
  seen = { namespace: 'jobs', pod: 'a-1', image };
  await ledger.pass('observe');
  expect(await shown()).toBe(image);
  // Nobody in the cluster is told of it.
  expect(await ledger.query('select kind from dirty')).toEqual([]);
});
