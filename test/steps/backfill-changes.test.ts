import { afterEach, beforeEach, expect, test } from 'vitest';
import { createReads } from '../../controller/store/reads.ts';
import type { BackfillSummary } from '../../schemas/generated/types.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';

let ledger: TestLedger;
beforeEach(async () => {
  ledger = await createTestLedger({ capacity: 100 });
});
afterEach(() => ledger.close());

/** Monthly, with no window of its own: it begins long after the ranges of these tests. */
const monthly = (more = '') => `schedule: { every: month, startAt: 2026-01-01, endAt: 2026-01-01T00:00:01Z }\n${more}`;
const quarter = { pipeline: 'a', from: '2019-01', to: '2019-04' };

const reads = () => createReads({ pool: ledger.pool });
const summary = async (name: string): Promise<BackfillSummary> => (await reads().backfills({ name }))[0]!;
const windows = async (name: string) => (await reads().backfillWindows({ name, after: 0, limit: 100 }))!.windows;
const change = (backfill: string, body: object) => ledger.ask('changeBackfill', { backfill, ...body });

async function begin(...asked: object[]): Promise<void> {
  await ledger.write({ 'a.yaml': manifest('a', monthly()) });
  await ledger.round();
  for (const one of asked) await ledger.ask('backfill', { ...quarter, ...one });
}

async function drain(): Promise<void> {
  for (let rounds = 0; rounds < 10; rounds++) {
    await ledger.round();
    ledger.fake.endAll('Succeeded');
  }
}

test('a suspended backfill keeps no run from another one that waits for it', async () => {
  await begin({ maxActiveRuns: 2 });
  await ledger.pass('schedule');
  await ledger.ask('backfill', { ...quarter, from: '2019-02', to: '2019-03', rerun: 'all' });
  await ledger.pass('schedule');
  await change('a-b1', { suspended: true });
  await drain();
  expect(await ledger.runs()).toEqual(['a-2019-01 Queued', 'a-2019-02 Succeeded']);
  expect(await summary('a-b2')).toMatchObject({ phase: 'Succeeded' });
  expect(await summary('a-b1')).toMatchObject({ phase: 'Running', windows: { succeeded: 1, live: 1, waiting: 1 } });
});

test('a backfill that is cancelled while it is suspended strands neither its own runs nor those that another one waits for', async () => {
  await begin({ maxActiveRuns: 2 });
  await ledger.pass('schedule');
  await ledger.ask('backfill', { ...quarter, from: '2019-02', to: '2019-03', rerun: 'all' });
  await ledger.pass('schedule');
  await change('a-b1', { suspended: true });
  await change('a-b1', { cancel: true });
  await drain();
  expect(await ledger.runs()).toEqual(['a-2019-01 Cancelled CancelledByRequest', 'a-2019-02 Succeeded']);
  expect(await summary('a-b1')).toMatchObject({
    phase: 'Cancelled',
    reason: 'CancelledByRequest',
    windows: { succeeded: 1, cancelled: 2, live: 0, waiting: 0 },
  });
  expect(await summary('a-b2')).toMatchObject({ phase: 'Succeeded' });
});

test('another priority holds for what is queued already', async () => {
  await begin({});
  await ledger.pass('schedule');
  await ledger.ask('run', { pipeline: 'a', window: '2018-01' });
  await change('a-b1', { priority: 5 });
  await ledger.round();
  expect(await ledger.runs()).toEqual(['a-2018-01 Queued', 'a-2019-01 Running']);
});

test('another limit holds at once, upwards and downwards', async () => {
  await begin({ maxActiveRuns: 1 });
  await ledger.round();
  await change('a-b1', { maxActiveRuns: 3 });
  await ledger.round();
  expect(await summary('a-b1')).toMatchObject({ windows: { live: 3 } });
  await ledger.ask('backfill', { ...quarter, from: '2018-01', to: '2019-01', maxActiveRuns: 5 });
  await ledger.round();
  await change('a-b2', { maxActiveRuns: 1 });
  ledger.fake.endAll('Succeeded');
  await ledger.round();
  await ledger.round();
  expect(await summary('a-b2')).toMatchObject({ windows: { succeeded: 5, live: 1, waiting: 6 } });
});

test('a definition that changes half way holds for the windows after it, and each window says what it got', async () => {
  await begin({ maxActiveRuns: 1 });
  await ledger.round();
  expect((await windows('a-b1')).map(({ phase }) => phase)).toEqual(['Running', 'Waiting', 'Waiting']);
  await ledger.write({ 'a.yaml': manifest('a', monthly('description: changed\n')) });
  await drain();
  const [before, after] = await ledger.query('select digest from versions order by id');
  expect((await windows('a-b1')).map(({ label, run, version }) => [label, run, version])).toEqual([
    ['2019-01', 'a-2019-01', before.digest],
    ['2019-02', 'a-2019-02', after.digest],
    ['2019-03', 'a-2019-03', after.digest],
  ]);
});

test('the windows of a backfill are read in pages', async () => {
  await begin({ order: 'newest' });
  const page = (after: number, limit: number) => reads().backfillWindows({ name: 'a-b1', after, limit });
  expect(await page(0, 2)).toMatchObject({ windows: [{ label: '2019-03' }, { label: '2019-02' }], next: 2 });
  expect(await page(2, 2)).toMatchObject({ windows: [{ label: '2019-01', position: 3 }], next: null });
  expect(await reads().backfillWindows({ name: 'none', after: 0, limit: 2 })).toBeNull();
});

test('windows that failed get another turn and no others, also after a cancellation', async () => {
  await begin({ maxActiveRuns: 2 });
  await ledger.round();
  ledger.fake.endAll({ reason: 'LoadFailed' });
  await ledger.pass('observe', 'advance');
  await change('a-b1', { cancel: true });
  expect(await summary('a-b1')).toMatchObject({ phase: 'Cancelled', windows: { failed: 2, cancelled: 1 } });
  expect(await change('a-b1', { retry: true })).toEqual({ backfill: 'a-b1', windows: 3 });
  await drain();
  expect(await summary('a-b1')).toMatchObject({ phase: 'Succeeded', reason: null, windows: { succeeded: 3 } });
  expect(await ledger.runs()).toEqual([
    'a-2019-01 Failed LoadFailed',
    'a-2019-01-2 Succeeded',
    'a-2019-02 Failed LoadFailed',
    'a-2019-02-2 Succeeded',
    'a-2019-03 Succeeded',
  ]);
});

test('the rate is that of the last minutes, and the end is expected at it', async () => {
  await ledger.write({ 'a.yaml': manifest('a', monthly()) });
  await ledger.round();
  await ledger.ask('backfill', { pipeline: 'a', from: '2000', to: '2010', maxActiveRuns: 20 });
  expect(await summary('a-b1')).toMatchObject({ ratePerMinute: null, expectedEndAt: null });
  const ends = (count: number, ago: string) =>
    ledger.query(
      `update backfill_windows set phase = 'Succeeded', ended_at = now() - $2::interval
       where position in (select position from backfill_windows where phase is null order by position limit $1)`,
      [count, ago],
    );
  await ledger.query(
    `update backfills set created_at = now() - interval '2 hours', started_at = now() - interval '100 minutes'`,
  );
  await ends(5, '90 minutes');
  expect(await summary('a-b1')).toMatchObject({ ratePerMinute: 0.05 });
  await ends(15, '2 minutes');
  const { ratePerMinute, expectedEndAt } = await summary('a-b1');
  expect(ratePerMinute).toBe(1.5);
  const minutes = (Date.parse(expectedEndAt!) - Date.now()) / 60_000;
  expect(Math.round(minutes)).toBe(Math.round(100 / 1.5));
  await change('a-b1', { suspended: true });
  expect(await summary('a-b1')).toMatchObject({ ratePerMinute: 1.5, expectedEndAt: null });
});
