import { afterEach, beforeEach, expect, test } from 'vitest';
import { createReads } from '../../controller/store/reads.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';

let ledger: TestLedger;
beforeEach(async () => {
  ledger = await createTestLedger({ capacity: 100 });
});
afterEach(() => ledger.close());

/** Monthly, with no window of its own so far: it begins long after the ranges of these tests. */
const monthly = 'schedule: { every: month, startAt: 2026-01-01, endAt: 2026-01-01T00:00:01Z }\nmaxActiveRuns: 5\n';
const after = (name: string, ...upstream: string[]) =>
  manifest(name, monthly, upstream.map((one) => `    - { name: ${one}, wait: { pipeline: ${one} } }\n`).join(''));
const quarter = { pipeline: 'a', from: '2019-01', to: '2019-04', dependents: true };

/** a ← b ← c, a ← d; and e, which waits for nothing. */
async function family(): Promise<void> {
  await ledger.write({
    'a.yaml': manifest('a', monthly),
    'b.yaml': after('b', 'a'),
    'c.yaml': after('c', 'b', 'a'),
    'd.yaml': after('d', 'a'),
    'e.yaml': manifest('e', monthly),
  });
  await ledger.round();
}

async function end(suffix: string, how: 'Succeeded' | { reason: 'LoadFailed' } = 'Succeeded'): Promise<void> {
  for (const id of ledger.fake.running())
    if (ledger.fake.order(id)?.run.name.endsWith(suffix)) ledger.fake.end(id, how);
  for (let rounds = 0; rounds < 5; rounds++) await ledger.round();
}

const backfills = async () =>
  (await createReads({ pool: ledger.pool }).backfills({})).map(({ name, phase }) => `${name} ${phase}`).sort();

test('a backfill runs the same range of all that wait for its pipeline, each window after what it waits for', async () => {
  await family();
  const three = (backfill: string) => ({ backfill, windows: 3 });
  expect(await ledger.ask('backfill', quarter)).toEqual({
    ...three('a-b1'),
    dependents: [three('b-b2'), three('d-b3'), three('c-b4')],
  });
  for (let rounds = 0; rounds < 3; rounds++) await ledger.round();
  expect((await ledger.runs()).filter((line) => !line.startsWith('a-') && !line.endsWith('Queued'))).toEqual([]);
  await end('a-2019-02');
  const february = (await ledger.runs()).filter((line) => line.includes('2019-02'));
  expect(february).toEqual(['a', 'b', 'c', 'd'].map((name) => `${name}-2019-02 Succeeded`));
  expect((await ledger.runs()).filter((line) => line.includes('2019-01'))).toEqual([
    'a-2019-01 Running',
    ...['b', 'c', 'd'].map((name) => `${name}-2019-01 Queued`),
  ]);
  await end('');
  expect(await backfills()).toEqual(['a-b1', 'b-b2', 'c-b4', 'd-b3'].map((name) => `${name} Succeeded`));
});

test('what was done before is done again in the same order, though its windows have succeeded already', async () => {
  await family();
  await ledger.ask('backfill', quarter);
  await end('');
  await end('');
  await ledger.ask('backfill', { ...quarter, rerun: 'all', order: 'newest', maxActiveRuns: 1 });
  for (let rounds = 0; rounds < 3; rounds++) await ledger.round();
  const again = async () => (await ledger.runs()).filter((line) => /-2 /.test(line));
  expect(await again()).toEqual([
    'a-2019-03-2 Running',
    'b-2019-03-2 Queued',
    'c-2019-03-2 Queued',
    'd-2019-03-2 Queued',
  ]);
  await end('a-2019-03-2');
  expect((await again()).filter((line) => line.includes('2019-03'))).toEqual(
    ['a', 'b', 'c', 'd'].map((name) => `${name}-2019-03-2 Succeeded`),
  );
  expect((await again()).filter((line) => line.includes('2019-02'))).toContain('b-2019-02-2 Queued');
});

test('a window that fails upstream ends those that wait for it, and a retry runs all of them again', async () => {
  await family();
  await ledger.ask('backfill', quarter);
  await ledger.round();
  await end('a-2019-02', { reason: 'LoadFailed' });
  await end('');
  expect((await ledger.runs()).filter((line) => line.includes('2019-02'))).toEqual([
    'a-2019-02 Failed LoadFailed',
    ...['b', 'c', 'd'].map((name) => `${name}-2019-02 Failed UpstreamFailed`),
  ]);
  expect(await backfills()).toEqual(['a-b1', 'b-b2', 'c-b4', 'd-b3'].map((name) => `${name} Failed`));
  expect(await ledger.ask('changeBackfill', { backfill: 'a-b1', retry: true })).toEqual({
    backfill: 'a-b1',
    windows: 4,
  });
  for (let rounds = 0; rounds < 3; rounds++) await ledger.round();
  await end('');
  expect(await backfills()).toEqual(['a-b1', 'b-b2', 'c-b4', 'd-b3'].map((name) => `${name} Succeeded`));
});

test('a cancelled one ends with those that were made with it, and strands none of their runs', async () => {
  await family();
  await ledger.ask('backfill', quarter);
  for (let rounds = 0; rounds < 3; rounds++) await ledger.round();
  await ledger.ask('changeBackfill', { backfill: 'a-b1', cancel: true });
  await end('');
  expect(await backfills()).toEqual(['a-b1', 'b-b2', 'c-b4', 'd-b3'].map((name) => `${name} Cancelled`));
  expect(await ledger.query(`select name from runs where phase in ('Queued', 'Running')`)).toEqual([]);
  expect(await ledger.query('select * from waits')).toEqual([]);
});

test('what waits for a pipeline is told with each after what it waits for, also without a backfill', async () => {
  await family();
  const reads = createReads({ pool: ledger.pool });
  expect(await reads.dependents('a')).toEqual(['b', 'd', 'c']);
  expect(await reads.dependents('e')).toEqual([]);
});

test('a manifest asks for them too, and taking it out ends all of them', async () => {
  await family();
  const backfill = 'apiVersion: pipewright.dev/v1alpha1\nkind: Backfill\nmetadata: { name: again }\nspec:\n';
  await ledger.write({
    'again.yaml': `${backfill}  { pipeline: a, from: "2019-01", to: "2019-04", dependents: true }\n`,
  });
  for (let rounds = 0; rounds < 3; rounds++) await ledger.round();
  expect(await backfills()).toEqual(['again Running', 'b-b2 Running', 'c-b4 Running', 'd-b3 Running']);
  await ledger.write({ 'again.yaml': null });
  for (let rounds = 0; rounds < 2; rounds++) await ledger.round();
  expect(await backfills()).toEqual(['again', 'b-b2', 'c-b4', 'd-b3'].map((name) => `${name} Cancelled`));
});
