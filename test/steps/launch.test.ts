import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { onProcesses } from '../../controller/manifests/place.ts';
import { createLaunch } from '../../controller/steps/launch.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';

let ledger: TestLedger;
beforeEach(async () => {
  ledger = await createTestLedger();
});
afterEach(() => ledger.close());

const daily = 'schedule: { every: day, startAt: 2019-01-01, endAt: 2019-01-02, catchUp: all }\n';
const phases = () =>
  ledger.query('select r.name, a.phase from attempts a join runs r on r.id = a.run_id order by r.name');

/** The step on an executor whose first launch takes until `release`. */
function createSlow() {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { executor } = ledger.fake;
  let launches = 0;
  const step = createLaunch({
    ...{ pool: ledger.pool, log: pino({ level: 'silent' }), wake: () => {}, failpoint: () => {} },
    executor: {
      ...executor,
      async launch(input) {
        if (launches++ === 0) await held;
        return executor.launch(input);
      },
    },
    heartbeatMs: 1000,
    overdueGraceMs: 15_000,
    bounds: onProcesses,
    places: { artifacts: String, bundle: String },
  });
  return { step, release };
}

test('a launch that takes long keeps no other one waiting, and is settled when it is done', async () => {
  const { step, release } = createSlow();
  const { signal } = new AbortController();
  await ledger.write({ 'a.yaml': manifest('a', daily) });
  await ledger.pass('sync', 'schedule', 'admit', 'advance');
  await step.pass(signal);
  await ledger.write({ 'b.yaml': manifest('b', daily) });
  await ledger.pass('sync', 'schedule', 'admit', 'advance');
  await step.pass(signal);
  await expect.poll(phases).toEqual([
    { name: 'a-2019-01-01', phase: 'Claimed' },
    { name: 'b-2019-01-01', phase: 'Running' },
  ]);
  release();
  await step.finish?.();
  expect(await phases()).toEqual([
    { name: 'a-2019-01-01', phase: 'Running' },
    { name: 'b-2019-01-01', phase: 'Running' },
  ]);
});
