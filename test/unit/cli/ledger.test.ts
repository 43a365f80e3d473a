import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestLedger, manifest, type TestLedger } from '../../support/ledger.ts';
import { serve } from './server.ts';

let ledger: TestLedger;
let api: Awaited<ReturnType<typeof serve>>;

const schedule = 'schedule: { every: month, startAt: 2019-01-01, endAt: 2019-05-01, catchUp: all }\nmaxActiveRuns: 9\n';
const rows = (n: number) => `    - name: one\n      load: { inline: { rows: [{ n: ${n} }] } }\n`;

beforeAll(async () => {
  ledger = await createTestLedger();
  await ledger.write({ 'taxi.yaml': manifest('taxi', schedule) });
  await ledger.round();
  await ledger.pass('launch');
  for (const id of ledger.fake.running())
    ledger.fake.end(id, ledger.fake.order(id)?.run.name === 'taxi-2019-04' ? { reason: 'LoadFailed' } : 'Succeeded');
  await ledger.pass('observe', 'advance');
  await ledger.write({ 'taxi.yaml': manifest('taxi', schedule, rows(2)) });
  await ledger.pass('sync');
  await ledger.query(`update windows set deadline_at = now() - interval '1 day' where label = '2019-04'`);
  await ledger.pass('schedule');
  api = await serve({ pool: ledger.pool, wake: () => void ledger.pass('intake') });
});
afterAll(async () => {
  await api.close();
  await ledger.close();
});

const ask: typeof api.ask = (...args) => api.ask(...args);
const mark = (...args: string[]) => ask('mark', 'taxi', ...args);

test('a window is marked by hand, and shows that with its note and who did it', async () => {
  expect(await mark('2019-01', '--as', 'succeeded', '--note', 'loaded by hand')).toEqual({
    code: 0,
    stdout: '1 window of taxi marked as succeeded\n',
    stderr: '',
  });
  const { stdout } = await ask('windows', 'taxi');
  expect(stdout).toMatch(/^2019-01-01 00:00 +Succeeded +taxi-2019-01 +MarkedByHand +loaded by hand \(cli:.+\)$/m);
  expect(stdout).toMatch(/^2019-03-01 00:00 +Succeeded +taxi-2019-03 +stale$/m);
  expect(stdout).toMatch(/^2019-04-01 00:00 +Failed +taxi-2019-04 +LoadFailed +late$/m);
  const { value } = { value: JSON.parse((await ask('windows', 'taxi', '-o', 'json')).stdout) };
  expect(value.windows).toMatchObject([
    { label: '2019-04', lateAt: expect.any(String), stale: null, mark: null },
    { label: '2019-03', lateAt: null, stale: 'version', mark: null },
    { label: '2019-02', stale: 'version' },
    { label: '2019-01', stale: null, mark: { note: 'loaded by hand', by: expect.stringMatching(/^cli:/) } },
  ]);
});

test('a range is marked as JSON says, and a grid has a sign for what is stale', async () => {
  const { stdout } = await mark(
    '--from',
    '2018-11',
    '--to',
    '2019',
    '--as',
    'skipped',
    '--note',
    'no taxis',
    '-o',
    'json',
  );
  expect(JSON.parse(stdout)).toEqual({ pipeline: 'taxi', marked: 2, window: null });
  const grid = await ask('windows', 'taxi', '--from', '2018', '--to', '2019-05', '--grid');
  expect(grid.stdout).toContain('2018  · · · · · · · · · · – –\n2019  ✓ ≈ ≈ ✗\n');
  expect(grid.stdout).toContain('≈ Stale');
});

test('a run of a late window tells its deadline', async () => {
  expect((await ask('show', 'taxi-2019-04')).stdout).toMatch(
    /^Late: +its window had not succeeded by .* UTC \(1d ago\)$/m,
  );
  expect((await ask('show', 'taxi-2019-02')).stdout).not.toContain('Late:');
});

test('a quiet pipeline says so, since when and why, beside its last success', async () => {
  await ledger.query(
    `update versions set schedule = schedule || '{"endAt": null}'; update pipelines set suspended = true, created_at = '2019-01-01'`,
  );
  await ledger.query(`update runs set finished_at = finished_at - interval '300 days'`);
  const { stdout } = await ask('pipelines');
  expect(stdout).toMatch(/^taxi +every month +Failed +2019-04-01 +\d{4}-\d\d-\d\d +suspended, quiet$/m);
  expect(stdout).toMatch(/^taxi is quiet: a success was due \d{4}-\d\d-\d\d, and it is suspended\.$/m);
});

test('what cannot be marked is said, and why', async () => {
  expect(await mark('--as', 'skipped', '--note', 'n')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('which windows'),
  });
  expect(await mark('2019-01', '--from', '2019', '--to', '2020', '--as', 'skipped', '--note', 'n')).toMatchObject({
    code: 2,
  });
  expect(await mark('2019-01', '--as', 'failed', '--note', 'n')).toMatchObject({ code: 2 });
  expect(await mark('2019-01', '--as', 'skipped')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--note'),
  });
  expect(await mark('2019-01-02', '--as', 'skipped', '--note', 'n')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no window starts at "2019-01-02"'),
  });
});
