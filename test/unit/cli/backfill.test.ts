import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestLedger, manifest, type TestLedger } from '../../support/ledger.ts';
import { serve } from './server.ts';

let ledger: TestLedger;
let api: Awaited<ReturnType<typeof serve>>;

beforeAll(async () => {
  ledger = await createTestLedger();
  const schedule = 'schedule: { every: month, startAt: 2019-01-01, endAt: 2019-04-01, catchUp: none }\n';
  await ledger.write({ 'taxi.yaml': manifest('taxi', schedule) });
  await ledger.round();
  api = await serve({ pool: ledger.pool, wake: () => void ledger.pass('intake') });
});
afterAll(async () => {
  await api.close();
  await ledger.close();
});

const ask: typeof api.ask = (...args) => api.ask(...args);
const range = ['backfill', 'taxi', '--from', '2018-11', '--to', '2020'];

test('a backfill is previewed without being made', async () => {
  const { code, stdout, stderr } = await ask(...range, '--dry-run');
  expect(code).toBe(0);
  expect(stdout.split('\n').map((line) => line.split(/ {2,}/).slice(0, 3))).toEqual([
    ['WINDOW', 'START (UTC)', 'NOW'],
    ['2018-11', '2018-11-01 00:00', 'Missing'],
    ['2018-12', '2018-12-01 00:00', 'Missing'],
    ['2019-01', '2019-01-01 00:00', 'Skipped'],
    ['2019-02', '2019-02-01 00:00', 'Skipped'],
    ['2019-03', '2019-03-01 00:00', 'Skipped'],
    [''],
  ]);
  expect(stderr).toBe('5 windows would run.\n');
  expect((await ask('backfills')).stdout).toBe('There are no backfills.\n');
});

test('a backfill is made, shown, changed, and run again where it failed', async () => {
  expect((await ask(...range, '--max-active-runs', '2')).stdout).toBe('taxi-b1  5 windows\n');
  await ledger.round();
  expect((await ask('backfills')).stdout).toMatch(
    /^taxi-b1 +taxi +2018-11-01 +2020-01-01 +missing +Running +0\/5, 2 live /m,
  );
  expect((await ask('backfills', 'taxi-b1', '--suspend')).stdout).toMatch(/^taxi-b1 .* Suspended /m);
  expect((await ask('backfills', 'taxi-b1', '--resume', '--max-active-runs', '5')).stdout).toMatch(/ Running /);
  await ledger.round();
  expect(ledger.fake.endAll({ reason: 'LoadFailed' })).toBe(5);
  await ledger.round();
  await ledger.round();
  const failed = await ask('backfills', 'taxi-b1');
  expect(failed.stdout).toMatch(/ Failed +5\/5, 5 failed +[\d.]+\/(min|h) /);
  expect(failed.stderr).toBe(
    '5 of 5 windows did not succeed; `pipewright backfills taxi-b1 --retry` gives them another turn\n',
  );
  expect((await ask('backfills', 'taxi-b1', '--retry')).stdout).toMatch(/ Running +0\/5 /);
});

test('the windows of a backfill are shown with the run and the version that each one got', async () => {
  const { stdout } = await ask('backfills', 'taxi-b1', '--windows');
  expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['WINDOW', 'START (UTC)', 'PHASE'],
    ...['2018-11', '2018-12', '2019-01', '2019-02', '2019-03'].map((label) => [label, `${label}-01 00:00`, 'Waiting']),
    [''],
  ]);
  await ledger.round();
  const { windows } = JSON.parse((await ask('backfills', 'taxi-b1', '--windows', '-o', 'json')).stdout);
  const [{ digest }] = (await ledger.query('select digest from versions')) as [{ digest: string }];
  expect(windows[0]).toMatchObject({ position: 1, phase: 'Running', run: 'taxi-2018-11-2', version: digest });
});

test('a backfill has the name and the priority that it is given, and another priority later', async () => {
  const more = ['--rerun', 'all', '--name', 'reload', '--priority', '7', '--max-active-runs', '1'];
  expect((await ask(...range, ...more)).stdout).toBe('reload  5 windows\n');
  expect((await ask(...range, ...more)).stdout).toBe('reload-2  5 windows\n');
  const change = await ask('backfills', 'reload', '--priority', '-7', '-o', 'json');
  expect(JSON.parse(change.stdout).backfills).toMatchObject([{ name: 'reload', priority: -7 }]);
  for (const name of ['reload', 'reload-2']) await ask('backfills', name, '--cancel');
});

test('a preview of more windows than one backfill has is refused as starting it would be', async () => {
  const minutes = 'schedule: { every: minute, startAt: 2026-01-01, catchUp: none }\n';
  await ledger.write({ 'minutes.yaml': manifest('minutes', minutes) });
  await ledger.round();
  const many = ['backfill', 'minutes', '--from', '2019', '--to', '2020'];
  const sentence = expect.stringContaining('a backfill has at most 100000 windows, and there are more from 2019-01-01');
  expect(await ask(...many, '--dry-run')).toMatchObject({ code: 1, stderr: sentence });
  expect(await ask(...many)).toMatchObject({ code: 1, stderr: sentence });
});

test('a backfill that is waited for ends with its outcome', async () => {
  let isOver = false;
  const waiting = ask(...range, '--rerun', 'all', '--wait').finally(() => {
    isOver = true;
  });
  const goOn = async () => {
    await ledger.round();
    ledger.fake.endAll('Succeeded');
    return isOver;
  };
  await expect.poll(goOn, { timeout: 50_000 }).toBe(true);
  expect(await waiting).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^taxi-b\d+ {2}5 windows\n$/),
    stderr: 'Succeeded  5/5\n',
  });
});

test('what cannot be done is said with a way out', async () => {
  expect(await ask('backfills', '--cancel')).toMatchObject({ code: 2, stderr: expect.stringContaining('name it') });
  expect(await ask('backfills', 'none', '--cancel')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('there is no backfill "none"; `pipewright backfills` lists them'),
  });
  expect(await ask('backfill', 'none', '--from', '2019', '--to', '2020', '--dry-run')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('there is no pipeline "none"'),
  });
});
