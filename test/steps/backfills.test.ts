import { afterEach, beforeEach, expect, test } from 'vitest';
import { createReads } from '../../controller/store/reads.ts';
import type { BackfillSummary } from '../../schemas/generated/types.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';

let ledger: TestLedger;
beforeEach(async () => {
  ledger = await createTestLedger({ capacity: 100 });
});
afterEach(() => ledger.close());

/** Monthly, with no window of its own so far: it begins long after the ranges of these tests. */
const monthly = (more = '') => `schedule: { every: month, startAt: 2026-01-01, endAt: 2026-01-01T00:00:01Z }\n${more}`;
const year = { pipeline: 'a', from: '2019', to: '2020' };

async function summary(name = 'a-b1'): Promise<BackfillSummary> {
  const [found] = await createReads({ pool: ledger.pool }).backfills({ name });
  return found!;
}

/** Ends what runs, in the way given for a window's label, until nothing runs any more. */
async function drain(endings: Record<string, { reason: 'LoadFailed' }> = {}): Promise<void> {
  for (let rounds = 0; rounds < 50; rounds++) {
    await ledger.round();
    // What has settled in this round makes room in the next.
    if (ledger.fake.running().length === 0) await ledger.round();
    const running = ledger.fake.running();
    if (running.length === 0) return;
    for (const id of running) {
      const label = Object.keys(endings).find((one) => ledger.fake.order(id)?.run.name.endsWith(one));
      ledger.fake.end(id, label ? endings[label]! : 'Succeeded');
    }
  }
  throw new Error('the backfill does not come to an end');
}

test('runs every window of the range that has no run, oldest first, no more at once than its limit', async () => {
  await ledger.write({ 'a.yaml': manifest('a', monthly()) });
  await ledger.round();
  expect(await ledger.ask('backfill', { ...year, maxActiveRuns: 3 })).toEqual({ backfill: 'a-b1', windows: 12 });
  await ledger.round();
  expect(await ledger.runs()).toEqual(['a-2019-01 Running', 'a-2019-02 Running', 'a-2019-03 Running']);
  expect((await summary()).windows).toMatchObject({ total: 12, waiting: 9, live: 3, succeeded: 0 });
  await drain();
  expect(await ledger.runs()).toHaveLength(12);
  expect(await summary()).toMatchObject({ phase: 'Succeeded', windows: { succeeded: 12, waiting: 0, live: 0 } });
});

test('leaves a window that has a run as it is, takes failed ones when told to, and all when told to', async () => {
  await ledger.write({ 'a.yaml': manifest('a', monthly()) });
  await ledger.round();
  await ledger.ask('run', { pipeline: 'a', window: '2019-01' });
  await ledger.ask('run', { pipeline: 'a', window: '2019-02' });
  await drain({ '2019-02': { reason: 'LoadFailed' } });
  const quarter = { pipeline: 'a', from: '2019-01', to: '2019-04' };
  expect(await ledger.ask('backfill', quarter)).toEqual({ backfill: 'a-b1', windows: 1 });
  await drain();
  expect(await ledger.ask('backfill', { ...quarter, rerun: 'failed' })).toEqual({ backfill: 'a-b2', windows: 1 });
  await drain();
  expect(await ledger.ask('backfill', { ...quarter, rerun: 'all', order: 'newest' })).toMatchObject({ windows: 3 });
  await ledger.round();
  expect((await ledger.runs()).filter((line) => line.endsWith('Running'))).toEqual(['a-2019-03-2 Running']);
  await drain();
  expect(await ledger.runs()).toEqual([
    'a-2019-01 Succeeded',
    'a-2019-01-2 Succeeded',
    'a-2019-02 Failed LoadFailed',
    'a-2019-02-2 Succeeded',
    'a-2019-02-3 Succeeded',
    'a-2019-03 Succeeded',
    'a-2019-03-2 Succeeded',
  ]);
});

test('the end of the range is exclusive, and a window that has not closed is left to the schedule', async () => {
  await ledger.write({ 'a.yaml': manifest('a', 'schedule: { every: year, startAt: 2020-01-01, catchUp: none }\n') });
  await ledger.round();
  const [{ year: today }] = (await ledger.query(`select extract(year from now())::int as year`)) as [{ year: number }];
  const answer = await ledger.ask('backfill', { pipeline: 'a', from: String(today - 2), to: String(today + 5) });
  expect(answer).toMatchObject({ windows: 2 });
  expect(await ledger.ask('backfill', { pipeline: 'a', from: '2001', to: '2002-06' })).toMatchObject({ windows: 1 });
});

test('shares the live run of a window with whoever has it, also with another backfill', async () => {
  await ledger.write({ 'a.yaml': manifest('a', monthly('maxActiveRuns: 5\n')) });
  await ledger.round();
  await ledger.ask('run', { pipeline: 'a', window: '2019-02' });
  await ledger.round();
  for (const name of ['a-b1', 'a-b2'])
    expect(await ledger.ask('backfill', { ...year, to: '2019-04', rerun: 'all' })).toEqual({
      backfill: name,
      windows: 3,
    });
  await ledger.round();
  await drain();
  expect(await ledger.runs()).toEqual(['a-2019-01 Succeeded', 'a-2019-02 Succeeded', 'a-2019-03 Succeeded']);
  for (const name of ['a-b1', 'a-b2'])
    expect(await summary(name)).toMatchObject({ phase: 'Succeeded', windows: { succeeded: 3 } });
});

test('comes after live runs of its pipeline, and has places of its own only with a limit of its own', async () => {
  await ledger.write({ 'a.yaml': manifest('a', monthly()) });
  await ledger.round();
  await ledger.ask('backfill', year);
  await ledger.pass('schedule');
  await ledger.ask('run', { pipeline: 'a', window: '2018-01' });
  await ledger.round();
  const running = async () => (await ledger.runs()).filter((line) => line.endsWith('Running'));
  expect(await running()).toEqual(['a-2018-01 Running']);
  await ledger.ask('changeBackfill', { backfill: 'a-b1', maxActiveRuns: 2 });
  await ledger.round();
  expect(await running()).toEqual(['a-2018-01 Running', 'a-2019-01 Running', 'a-2019-02 Running']);
});

test('that is suspended starts nothing more until it goes on', async () => {
  await ledger.write({ 'a.yaml': manifest('a', monthly()) });
  await ledger.round();
  await ledger.ask('backfill', { ...year, maxActiveRuns: 2 });
  await ledger.pass('schedule');
  await ledger.ask('changeBackfill', { backfill: 'a-b1', suspended: true });
  await drain();
  expect(await ledger.runs()).toEqual(['a-2019-01 Queued', 'a-2019-02 Queued']);
  await ledger.ask('changeBackfill', { backfill: 'a-b1', suspended: false });
  await drain();
  expect((await summary()).phase).toBe('Succeeded');
});

test('that is cancelled strands nothing: queued runs end, running ones go on, and a run that another backfill waits for stays', async () => {
  await ledger.write({ 'a.yaml': manifest('a', monthly()) });
  await ledger.round();
  await ledger.ask('backfill', { ...year, maxActiveRuns: 2 });
  await ledger.round();
  await ledger.ask('backfill', { pipeline: 'a', from: '2019-02', to: '2019-03', rerun: 'all' });
  await ledger.pass('schedule');
  await ledger.query(`update runs set phase = 'Queued' where name = 'a-2019-02'`);
  expect(await ledger.ask('changeBackfill', { backfill: 'a-b1', cancel: true })).toMatchObject({ backfill: 'a-b1' });
  await ledger.query(`update runs set phase = 'Running' where name = 'a-2019-02'`);
  await drain();
  expect(await ledger.runs()).toEqual(['a-2019-01 Succeeded', 'a-2019-02 Succeeded']);
  expect(await summary()).toMatchObject({
    phase: 'Cancelled',
    windows: { succeeded: 2, cancelled: 10, live: 0, waiting: 0 },
  });
  expect(await summary('a-b2')).toMatchObject({ phase: 'Succeeded' });
  expect(await ledger.ask('changeBackfill', { backfill: 'a-b1', suspended: true })).toMatchObject({ code: 'settled' });
});

test('that has failed windows says so at its end, and runs just these again when asked', async () => {
  await ledger.write({ 'a.yaml': manifest('a', monthly()) });
  await ledger.round();
  await ledger.ask('backfill', { ...year, maxActiveRuns: 12 });
  await drain({ '2019-05': { reason: 'LoadFailed' }, '2019-07': { reason: 'LoadFailed' } });
  expect(await summary()).toMatchObject({ phase: 'Failed', windows: { succeeded: 10, failed: 2 } });
  expect(await ledger.ask('changeBackfill', { backfill: 'a-b1', retry: true })).toEqual({
    backfill: 'a-b1',
    windows: 2,
  });
  await drain();
  expect(await summary()).toMatchObject({ phase: 'Succeeded', windows: { succeeded: 12, failed: 0 } });
  expect((await ledger.runs()).filter((line) => line.includes('-2 '))).toEqual([
    'a-2019-05-2 Succeeded',
    'a-2019-07-2 Succeeded',
  ]);
});

test('runs the version that a window ran on before when told to, else the one of today', async () => {
  await ledger.write({ 'a.yaml': manifest('a', monthly()) });
  await ledger.round();
  await ledger.ask('backfill', { ...year, to: '2019-02' });
  await drain();
  await ledger.write({ 'a.yaml': manifest('a', monthly('description: changed\n')) });
  await ledger.round();
  await ledger.ask('backfill', { ...year, to: '2019-02', rerun: 'all', version: 'original' });
  await drain();
  await ledger.ask('backfill', { ...year, to: '2019-02', rerun: 'all' });
  await drain();
  const versions = await ledger.query(
    `select v.id - min(v.id) over () as version from runs r join versions v on v.id = r.version_id order by r.id`,
  );
  expect(versions.map(({ version }) => version)).toEqual([0, 0, 1]);
});

test('ends when its pipeline is gone', async () => {
  await ledger.write({ 'a.yaml': manifest('a', monthly()), 'b.yaml': manifest('b') });
  await ledger.round();
  await ledger.ask('backfill', year);
  await ledger.round();
  await ledger.write({ 'a.yaml': null });
  await drain();
  expect(await summary()).toMatchObject({ phase: 'Cancelled', windows: { live: 0, waiting: 0 } });
});

test.each([
  [{ pipeline: 'none', from: '2019', to: '2020' }, 'unknown-pipeline', 'there is no pipeline "none"'],
  [{ ...year, from: 'soon' }, 'bad-span', '"from" is "soon", which is no date or time'],
  [{ ...year, to: '2018' }, 'bad-span', '"to" is not after "from"; swap them'],
  [{ ...year, from: '2019-01-02', to: '2019-01-20' }, 'no-window', 'no window of pipeline "a" from 2019-01-02'],
  [{ ...year, variables: { x: 1 } }, 'bad-variable', 'there is no variable "x"'],
  [{ pipeline: 'plain', from: '2019', to: '2020' }, 'no-schedule', 'has no schedule'],
])('a request that cannot be met is refused with a sentence: %j', async (body, code, sentence) => {
  await ledger.write({ 'a.yaml': manifest('a', monthly()), 'plain.yaml': manifest('plain') });
  await ledger.pass('sync');
  expect(await ledger.ask('backfill', body)).toEqual({ code, error: expect.stringContaining(sentence) });
  expect(await ledger.query('select * from backfills')).toEqual([]);
});
