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
const monthly = (more = '') =>
  manifest('a', `schedule: { every: month, startAt: 2026-01-01, endAt: 2026-01-01T00:00:01Z }\n${more}`);
const reload = (more = '', to = '2019-04-01') =>
  `apiVersion: pipewright.dev/v1alpha1\nkind: Backfill\nmetadata: { name: reload }\nspec: { pipeline: a, from: 2019-01-01, to: ${to}${more} }\n`;

const all = async (): Promise<BackfillSummary[]> =>
  (await createReads({ pool: ledger.pool }).backfills({})).toSorted((a, b) => (a.name < b.name ? -1 : 1));
const phases = async () => (await all()).map(({ name, phase, reason }) => [name, phase, reason]);

async function save(files: Record<string, string | null>): Promise<void> {
  await ledger.write(files);
  await ledger.round();
}

test('runs what a manifest declares once, under its name, however often the source is read', async () => {
  await save({ 'a.yaml': monthly(), 'reload.yaml': reload(', maxActiveRuns: 3') });
  expect(await ledger.runs()).toEqual(['a-2019-01 Running', 'a-2019-02 Running', 'a-2019-03 Running']);
  expect(await all()).toMatchObject([
    { name: 'reload', phase: 'Running', maxActiveRuns: 3, actor: 'sync', windows: { total: 3, live: 3 } },
  ]);
  ledger.fake.endAll('Succeeded');
  await save({ 'other.yaml': manifest('b') });
  await save({ 'other.yaml': null, 'moved/reload.yaml': reload(', maxActiveRuns: 3'), 'reload.yaml': null });
  expect(await phases()).toEqual([['reload', 'Succeeded', null]]);
  expect(await ledger.runs()).toHaveLength(3);
  expect(await ledger.query(`select actor, verb, subject from audit where subject_kind = 'backfill'`)).toEqual([
    { actor: 'sync', verb: 'backfill', subject: 'reload' },
  ]);
});

test('is asked for once by two controllers that read the source together', async () => {
  await ledger.write({ 'a.yaml': monthly(), 'reload.yaml': reload() });
  const other = ledger.start();
  await Promise.all([ledger.pass('sync'), other.sync.pass(new AbortController().signal)]);
  await ledger.round();
  expect(await phases()).toEqual([['reload', 'Running', null]]);
});

test.each(['sync.before-commit', 'sync.after-commit', 'intake.before-commit', 'intake.after-commit'])(
  'is made once when the controller dies at %s',
  async (place) => {
    await ledger.write({ 'a.yaml': monthly(), 'reload.yaml': reload() });
    const failpoint = (name: string) => {
      if (name === place) throw new Error('dies');
    };
    const dying = ledger.start({ failpoint });
    const signal = new AbortController().signal;
    await dying.sync.pass(signal).catch(() => {});
    await dying.intake.pass(signal).catch(() => {});
    await ledger.round();
    await ledger.round();
    expect(await phases()).toEqual([['reload', 'Running', null]]);
  },
);

test('ends when its manifest is taken out: what is queued is cancelled, what runs goes on, and it stays ended', async () => {
  await save({ 'a.yaml': monthly(), 'reload.yaml': reload(', maxActiveRuns: 2') });
  await ledger.query(`update backfills set max_active_runs = 1`);
  await save({ 'reload.yaml': null });
  ledger.fake.endAll('Succeeded');
  await ledger.round();
  expect(await all()).toMatchObject([
    { phase: 'Cancelled', reason: 'BackfillRemoved', windows: { succeeded: 2, cancelled: 1, live: 0, waiting: 0 } },
  ]);
  expect(await ledger.query(`select actor, verb, reason from audit where subject = 'reload' order by id`)).toEqual([
    { actor: 'sync', verb: 'backfill', reason: null },
    { actor: 'sync', verb: 'cancel', reason: 'BackfillRemoved' },
  ]);
  await save({ 'reload.yaml': reload(', maxActiveRuns: 2') });
  expect(await phases()).toEqual([['reload', 'Cancelled', 'BackfillRemoved']]);
});

test('with dependents has them follow it, also in its end', async () => {
  const waiting = manifest(
    'b',
    'schedule: { every: month, startAt: 2026-01-01, endAt: 2026-01-01T00:00:01Z }\n',
    '    - name: all\n      wait: { pipeline: a }\n',
  );
  await save({ 'a.yaml': monthly(), 'b.yaml': waiting, 'reload.yaml': reload(', dependents: true') });
  expect((await all()).map(({ pipeline, phase }) => [pipeline, phase])).toEqual([
    ['b', 'Running'],
    ['a', 'Running'],
  ]);
  await save({ 'reload.yaml': reload(', dependents: true, maxActiveRuns: 3') });
  // What was made with it keeps the limit that it was made with, as at the command line.
  expect((await all()).map(({ maxActiveRuns }) => maxActiveRuns)).toEqual([null, 3]);
  await save({ 'reload.yaml': null });
  expect((await all()).map(({ phase, reason }) => [phase, reason])).toEqual([
    ['Cancelled', 'BackfillRemoved'],
    ['Cancelled', 'BackfillRemoved'],
  ]);
});

test('never begins when its manifest is gone before it was looked at, and begins when it comes back', async () => {
  await ledger.write({ 'a.yaml': monthly(), 'reload.yaml': reload() });
  await ledger.pass('sync');
  await ledger.write({ 'reload.yaml': null });
  await ledger.pass('sync', 'intake');
  expect(await phases()).toEqual([]);
  await save({ 'reload.yaml': reload() });
  expect(await phases()).toEqual([['reload', 'Running', null]]);
});

test('is another one when it says something else, and ends the one before', async () => {
  await save({ 'a.yaml': monthly(), 'reload.yaml': reload() });
  await save({ 'reload.yaml': reload('', '2019-06-01') });
  expect(await phases()).toEqual([
    ['reload', 'Cancelled', 'BackfillRemoved'],
    ['reload-2', 'Running', null],
  ]);
  await save({ 'reload.yaml': reload('', '2019-07-01') });
  expect((await phases()).map(([name]) => name)).toEqual(['reload', 'reload-2', 'reload-3']);
});

test('goes on with another limit, priority or suspension, which a commit may change while it runs', async () => {
  await save({ 'a.yaml': monthly(), 'reload.yaml': reload(', suspend: true') });
  expect(await all()).toMatchObject([{ suspended: true, priority: -100, windows: { live: 0 } }]);
  await save({ 'reload.yaml': reload(', maxActiveRuns: 2, priority: 5') });
  await ledger.round();
  expect(await all()).toMatchObject([
    { name: 'reload', suspended: false, maxActiveRuns: 2, priority: 5, windows: { live: 2 } },
  ]);
  await save({ 'reload.yaml': reload() });
  expect(await all()).toMatchObject([{ name: 'reload', phase: 'Running', maxActiveRuns: null, priority: -100 }]);
});

test('goes on while its manifest, its pipeline or some other file cannot be understood', async () => {
  await save({ 'a.yaml': monthly(), 'reload.yaml': reload() });
  await save({ 'reload.yaml': reload(', rerun: al') });
  expect(await phases()).toEqual([['reload', 'Running', null]]);
  await save({ 'reload.yaml': null, 'other.yaml': 'a: [' });
  expect(await phases()).toEqual([['reload', 'Running', null]]);
  await save({ 'reload.yaml': reload(), 'other.yaml': null, 'a.yaml': monthly('maxActiveRun: 2\n') });
  expect(await phases()).toEqual([['reload', 'Running', null]]);
  await save({ 'reload.yaml': null });
  expect(await phases()).toEqual([['reload', 'Cancelled', 'BackfillRemoved']]);
});

test('ends with its pipeline, and has a problem from then on', async () => {
  await save({ 'a.yaml': monthly(), 'reload.yaml': reload(), 'b.yaml': manifest('b') });
  await save({ 'a.yaml': null });
  expect(await phases()).toEqual([['reload', 'Cancelled', 'PipelineRetired']]);
  expect(await ledger.query('select code, file from problems')).toEqual([
    { code: 'unknown-pipeline', file: 'reload.yaml' },
  ]);
  expect(await ledger.query(`select actor, reason from audit where verb = 'cancel'`)).toEqual([
    { actor: 'schedule', reason: 'PipelineRetired' },
  ]);
});

test('with nothing to run is over at once, and one that is refused is kept with the sentence', async () => {
  await save({ 'a.yaml': monthly() });
  await ledger.ask('backfill', { pipeline: 'a', from: '2019', to: '2020' });
  ledger.fake.endAll('Succeeded');
  for (let month = 0; month < 12; month++) {
    await ledger.round();
    ledger.fake.endAll('Succeeded');
  }
  await save({ 'reload.yaml': reload() });
  expect((await phases()).slice(1)).toEqual([['reload', 'Succeeded', null]]);
  const minutes = manifest('b', 'schedule: { every: minute, startAt: 2026-01-01, catchUp: none }\n');
  await save({ 'b.yaml': minutes, 'reload.yaml': reload('', '2020-01-01').replace('pipeline: a', 'pipeline: b') });
  const [refused] = (await all()).filter(({ name }) => name === 'reload-2');
  expect(refused).toMatchObject({ phase: 'Failed', reason: 'BackfillRefused', windows: { total: 0 } });
  expect(refused?.message).toContain('a backfill has at most 100000 windows');
});
