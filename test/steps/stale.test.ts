import { afterEach, beforeEach, expect, test } from 'vitest';
import { createReads } from '../../controller/store/reads.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';

let ledger: TestLedger;
beforeEach(async () => {
  ledger = await createTestLedger();
});
afterEach(() => ledger.close());

const quarter = (more = '') =>
  `schedule: { every: month, startAt: 2019-01-01, endAt: 2019-04-01, catchUp: all }\nmaxActiveRuns: 9\n${more}`;
const rows = (n: number) => `    - name: one\n      load: { inline: { rows: [{ n: ${n} }] } }\n`;

/** Runs all that is queued; the runs whose name ends so fail. */
async function settle(failing = 'none'): Promise<void> {
  await ledger.pass('schedule', 'admit', 'advance', 'launch');
  for (const id of ledger.fake.running())
    ledger.fake.end(id, ledger.fake.order(id)?.run.name.endsWith(failing) ? { reason: 'LoadFailed' } : 'Succeeded');
  await ledger.pass('observe', 'advance');
}

async function sync(spec: string, blocks?: string): Promise<void> {
  await ledger.write({ 'a.yaml': manifest('a', spec, blocks) });
  await ledger.pass('sync');
}

async function stale(): Promise<string[]> {
  const found = await createReads({ pool: ledger.pool }).windows('a', { limit: 100 });
  return (found?.windows ?? []).filter((window) => window.stale !== null).map(({ label }) => label);
}

test('a window is stale when another version would make other data, and not when only policies, texts or the schedule changed', async () => {
  await sync(quarter());
  await settle();
  await sync(
    quarter('description: the same data\nretry: { limit: 3 }\ntimeout: 1h\n').replace('every: month', 'every: week'),
  );
  expect(await stale()).toEqual([]);
  await sync(quarter(), rows(2));
  expect(await stale()).toEqual(['2019-03', '2019-02', '2019-01']);
  await sync(quarter());
  expect(await stale()).toEqual([]);
});

test('what counts is the last run that succeeded: a failed rerun makes nothing fresh, a good one does', async () => {
  await sync(quarter());
  await settle();
  await sync(quarter(), rows(2));
  await ledger.ask('rerun', { run: 'a-2019-01' });
  await settle('2019-01-2');
  expect(await stale()).toContain('2019-01');
  await ledger.ask('rerun', { run: 'a-2019-01-2' });
  await settle();
  expect(await stale()).toEqual(['2019-03', '2019-02']);
});

test('a backfill can run just what is stale, besides what is missing or has failed', async () => {
  await sync(quarter());
  await settle('2019-02');
  await sync(quarter(), rows(2));
  await ledger.ask('rerun', { run: 'a-2019-03' });
  await settle();
  const year = { pipeline: 'a', from: '2018-12', to: '2019-04', rerun: 'stale' };
  expect(await ledger.ask('backfill', { ...year, maxActiveRuns: 9 })).toMatchObject({ windows: 3 });
  await settle();
  expect(await stale()).toEqual([]);
  expect((await ledger.runs()).filter((run) => run.includes('-2 ') || run.includes('2018'))).toEqual([
    'a-2018-12 Succeeded',
    'a-2019-01-2 Succeeded',
    'a-2019-02-2 Succeeded',
    'a-2019-03-2 Succeeded',
  ]);
  expect(await ledger.ask('backfill', year)).toMatchObject({ code: 'no-window' });
});

test('a window that is no longer stale when its turn comes is left alone', async () => {
  await sync(quarter());
  await settle();
  await sync(quarter(), rows(2));
  await ledger.ask('backfill', { pipeline: 'a', from: '2019', to: '2019-04', rerun: 'stale' });
  await sync(quarter());
  await settle();
  await settle();
  expect(await ledger.runs()).toHaveLength(3);
});

test('versions from before there was a digest of data are given theirs when they are compiled again', async () => {
  await sync(quarter());
  await settle();
  await ledger.query('update versions set data_digest = null');
  await ledger.write({ 'b.yaml': manifest('b') });
  await sync(quarter(), rows(2));
  expect(await stale()).toEqual([]);
  await sync(quarter());
  await sync(quarter(), rows(2));
  expect(await stale()).toHaveLength(3);
});
