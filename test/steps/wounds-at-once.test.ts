/** Two controllers, or two steps of one, in the middle of their transactions at the same moment. */
import type pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { feedBackfills } from '../../controller/steps/feed-backfills.ts';
import type { Step } from '../../controller/steps/step.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';

let ledger: TestLedger;
beforeEach(async () => {
  ledger = await createTestLedger({ capacity: 100 });
});
afterEach(() => ledger.close());

const monthly = (more = '') => `schedule: { every: month, startAt: 2026-01-01, endAt: 2026-01-01T00:00:01Z }\n${more}`;

/** Runs `other` while the transaction of `first` is open: until it is over, or waits for a lock that `first` holds. */
async function within(first: (db: pg.ClientBase) => Promise<unknown>, other: () => Promise<unknown>): Promise<void> {
  const db = await ledger.pool.connect();
  try {
    await db.query('begin');
    await first(db);
    let over = false;
    const rest = other().finally(() => {
      over = true;
    });
    const waits = async () => (await ledger.query('select from pg_locks where not granted')).length > 0;
    await expect.poll(async () => over || (await waits())).toBe(true);
    await db.query('commit');
    await rest;
  } finally {
    db.release();
  }
}

async function drain(): Promise<string[]> {
  for (let round = 0; round < 10; round++) {
    await ledger.round();
    await ledger.pass('schedule');
    ledger.fake.endAll('Succeeded');
  }
  return [
    ...(await ledger.query(`select name from runs where phase in ('Queued', 'Running')`)),
    ...(await ledger.query(`select name from backfills where phase = 'Running'`)),
    ...(await ledger.query(`select label as name from backfill_windows where phase is null`)),
  ].map(({ name }) => name);
}

test('a pipeline whose manifest goes while its backfill queues runs leaves none of them behind', async () => {
  await ledger.write({ 'a.yaml': manifest('a', monthly()), 'b.yaml': manifest('b') });
  await ledger.round();
  await ledger.ask('backfill', { pipeline: 'a', from: '2019-01', to: '2019-04', maxActiveRuns: 3 });
  await ledger.write({ 'a.yaml': null });
  await within(feedBackfills, () => ledger.pass('sync'));
  expect(await drain()).toEqual([]);
});

test('a backfill that is cancelled while it queues runs leaves none of them behind', async () => {
  await ledger.write({ 'a.yaml': manifest('a', monthly()) });
  await ledger.round();
  await ledger.ask('backfill', { pipeline: 'a', from: '2019-01', to: '2019-04', maxActiveRuns: 3 });
  await within(feedBackfills, () => ledger.ask('changeBackfill', { backfill: 'a-b1', cancel: true }));
  expect(await drain()).toEqual([]);
  expect((await ledger.runs()).every((line) => line.endsWith('Cancelled CancelledByRequest'))).toBe(true);
});

test('two controllers that feed the same backfill queue each window once', async () => {
  await ledger.write({ 'a.yaml': manifest('a', monthly('maxActiveRuns: 10\n')) });
  await ledger.round();
  await ledger.ask('backfill', { pipeline: 'a', from: '2019-01', to: '2019-04' });
  await within(feedBackfills, () => ledger.pass('schedule'));
  expect(await drain()).toEqual([]);
  expect(await ledger.runs()).toEqual(['a-2019-01 Succeeded', 'a-2019-02 Succeeded', 'a-2019-03 Succeeded']);
});

test('two backfills of one window that are fed by two controllers at once share its one run', async () => {
  await ledger.write({ 'a.yaml': manifest('a', monthly('maxActiveRuns: 10\n')) });
  await ledger.round();
  await ledger.ask('backfill', { pipeline: 'a', from: '2019-01', to: '2019-02' });
  await within(feedBackfills, async () => {
    await ledger.ask('backfill', { pipeline: 'a', from: '2019-01', to: '2019-02', rerun: 'all' });
    await ledger.pass('schedule');
  });
  expect(await drain()).toEqual([]);
  expect(await ledger.runs()).toEqual(['a-2019-01 Succeeded']);
});

test('a schedule that changes while the old one is being cut takes over behind it, so that no time is cut twice', async () => {
  const daily = (every: string) =>
    manifest('a', `schedule: { every: ${every}, startAt: 2025-01-01, endAt: 2025-01-03, catchUp: all }\n`);
  await ledger.write({ 'a.yaml': daily('day') });
  await ledger.pass('sync');
  await ledger.write({ 'a.yaml': daily('12 hours') });
  const first = (db: pg.ClientBase) => stepWithin(db, (pool) => ledger.start({ pool }).schedule);
  await within(first, () => ledger.pass('sync'));
  await ledger.round();
  const windows = await ledger.query(`select label, end_at - start_at as length from windows order by start_at`);
  expect(windows.map(({ label }) => label)).toEqual(['2025-01-01', '2025-01-02']);
});

/** One pass of a step in a transaction that somebody else has begun and will commit. */
async function stepWithin(db: pg.ClientBase, make: (pool: pg.Pool) => Step): Promise<void> {
  const query = (text: string, values?: unknown[]) =>
    text === 'begin' || text === 'commit' ? Promise.resolve() : db.query(text, values);
  const pool = { query, connect: async () => ({ query, release() {} }) } as unknown as pg.Pool;
  await make(pool).pass(new AbortController().signal);
}
