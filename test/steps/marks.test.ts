import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createReads } from '../../controller/store/reads.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';

let ledger: TestLedger;
beforeEach(async () => {
  ledger = await createTestLedger();
  await ledger.write({ 'a.yaml': manifest('a', spec), 'plain.yaml': manifest('plain') });
  await ledger.pass('sync', 'schedule');
});
afterEach(() => ledger.close());

const spec = 'schedule: { every: month, startAt: 2019-01-01, endAt: 2019-03-01, catchUp: all }\nmaxActiveRuns: 9\n';
const note = 'loaded by hand';

const windows = async () => (await createReads({ pool: ledger.pool }).windows('a', { limit: 100 }))?.windows ?? [];
const window = async (label: string) => (await windows()).find((each) => each.label === label);

async function settleAll(): Promise<void> {
  await ledger.pass('admit', 'advance', 'launch');
  ledger.fake.endAll({ reason: 'LoadFailed' });
  await ledger.pass('observe', 'advance');
}

test('a window that failed counts as a person says, with a note, and a rerun is possible later', async () => {
  await settleAll();
  const answer = await ledger.ask('mark', { pipeline: 'a', window: '2019-01', as: 'Succeeded', note });
  expect(answer).toEqual({ pipeline: 'a', marked: 1, window: '2019-01' });
  expect(await window('2019-01')).toMatchObject({
    phase: 'Succeeded',
    reason: 'MarkedByHand',
    mark: { by: 'test', at: expect.any(String), note },
    run: 'a-2019-01',
    stale: null,
  });
  expect(
    await ledger.query(`select actor, subject_kind, subject, reason, details from audit where verb = 'mark'`),
  ).toEqual([
    {
      actor: 'test',
      subject_kind: 'window',
      subject: 'a-2019-01',
      reason: 'MarkedByHand',
      details: { pipeline: 'a', window: '2019-01', as: 'Succeeded', note },
    },
  ]);
  expect(await ledger.ask('rerun', { run: 'a-2019-01' })).toMatchObject({ run: 'a-2019-01-2' });
  expect(await window('2019-01')).toMatchObject({ phase: 'Queued', reason: null, mark: null });
});

test('a range is marked whole or not at all: a live run in it refuses it', async () => {
  const range = { pipeline: 'a', from: '2018-11', to: '2019-02', as: 'Skipped', note };
  const refused = await ledger.ask('mark', range);
  expect(refused).toEqual({
    code: 'live',
    error: expect.stringContaining('2019-01 of pipeline "a" has a live run, "a-2019-01"'),
  });
  expect(await windows()).toHaveLength(2);
  await settleAll();
  expect(await ledger.ask('mark', range)).toEqual({ pipeline: 'a', marked: 3, window: null });
  expect((await windows()).map(({ label, phase }) => `${label} ${phase}`)).toEqual([
    '2019-02 Failed',
    '2019-01 Skipped',
    '2018-12 Skipped',
    '2018-11 Skipped',
  ]);
});

test('a window that was marked before its time is not run by the schedule', async () => {
  await ledger.write({
    'a.yaml': manifest('a', 'schedule: { every: month, startAt: 2026-01-01, endAt: 2026-03-01, catchUp: all }\n'),
  });
  await ledger.pass('sync');
  expect(await ledger.ask('mark', { pipeline: 'a', window: '2026-01', as: 'Skipped', note })).toMatchObject({
    marked: 1,
  });
  await ledger.pass('schedule');
  expect((await ledger.runs()).filter((run) => run.startsWith('a-2026'))).toEqual(['a-2026-02 Queued']);
});

test('a backfill leaves marked windows as they are, unless all are to run', async () => {
  await settleAll();
  await ledger.ask('mark', { pipeline: 'a', from: '2018-11', to: '2019-02', as: 'Succeeded', note });
  const range = { pipeline: 'a', from: '2018-11', to: '2019-03' };
  expect(await ledger.ask('backfill', { ...range, rerun: 'missing' })).toMatchObject({ code: 'no-window' });
  expect(await ledger.ask('backfill', { ...range, rerun: 'failed' })).toMatchObject({ windows: 1 });
  expect(await ledger.ask('backfill', { ...range, rerun: 'all' })).toMatchObject({ windows: 4 });
});

test('a window that is marked while a backfill waits for its turn is not run by it', async () => {
  await ledger.ask('backfill', { pipeline: 'a', from: '2018-01', to: '2018-03', maxActiveRuns: 1 });
  await ledger.ask('mark', { pipeline: 'a', window: '2018-01', as: 'Succeeded', note });
  await ledger.pass('schedule');
  await ledger.pass('schedule');
  expect((await ledger.runs()).filter((run) => run.startsWith('a-2018'))).toEqual(['a-2018-02 Queued']);
});

describe('a mark that cannot be set is refused with a sentence', () => {
  const ask = (body: Record<string, unknown>) => ledger.ask('mark', { pipeline: 'a', as: 'Succeeded', note, ...body });
  test.each([
    [{ pipeline: 'none', window: '2019-01' }, 'unknown-pipeline', 'there is no pipeline "none"'],
    [{ pipeline: 'plain', window: '2019-01' }, 'no-schedule', 'has no schedule'],
    [{ window: '2019-01-02' }, 'bad-window', 'no window starts at "2019-01-02"'],
    [{}, 'bad-span', 'name one window, or a range'],
    [{ window: '2019-01', from: '2019' }, 'bad-span', 'name one window, or a range'],
    [{ from: '2019', to: '2018' }, 'bad-span', 'swap them'],
    [{ from: '2019-01-02', to: '2019-01-20' }, 'no-window', 'no window of pipeline "a" lies in'],
  ])('%j', async (body, code, sentence) => {
    expect(await ask(body)).toEqual({ code, error: expect.stringContaining(sentence) });
  });

  test('also that a window has succeeded which has not closed', async () => {
    await ledger.write({ 'a.yaml': manifest('a', 'schedule: { every: year }\n') });
    await ledger.pass('sync');
    const [{ year }] = (await ledger.query(`select extract(year from now())::text as year`)) as [{ year: string }];
    expect(await ask({ window: year })).toEqual({
      code: 'not-closed',
      error: expect.stringContaining('has not closed yet'),
    });
  });
});
