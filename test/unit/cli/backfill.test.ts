import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApi } from '../../../controller/api/server.ts';
import { createReads } from '../../../controller/store/reads.ts';
import { createRequests } from '../../../controller/store/requests.ts';
import { createTestLedger, manifest, type TestLedger } from '../../support/ledger.ts';
import { pipewright } from './command.ts';

let ledger: TestLedger;
let api: ReturnType<typeof createApi>;
let server: string;

beforeAll(async () => {
  ledger = await createTestLedger();
  const schedule = 'schedule: { every: month, startAt: 2019-01-01, endAt: 2019-04-01, catchUp: none }\n';
  await ledger.write({ 'taxi.yaml': manifest('taxi', schedule) });
  await ledger.round();
  api = createApi({
    reads: createReads({ pool: ledger.pool }),
    requests: createRequests({ pool: ledger.pool }),
    logs: async () => null,
    health: async () => ({ ready: true, reasons: [] }),
    wake: () => void ledger.pass('intake'),
    log: pino({ level: 'silent' }),
  });
  server = await api.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await api.close();
  await ledger.close();
});

const ask = (...args: string[]) => pipewright([...args, '--server', server]);
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
  expect((await ask('backfills')).stdout).toMatch(/^taxi-b1 +2018-11-01 +2020-01-01 +missing +Running +0\/5, 2 live /m);
  expect((await ask('backfills', 'taxi-b1', '--suspend')).stdout).toMatch(/^taxi-b1 .* Suspended /m);
  expect((await ask('backfills', 'taxi-b1', '--resume', '--max-active-runs', '5')).stdout).toMatch(/ Running /);
  await ledger.round();
  expect(ledger.fake.endAll({ reason: 'LoadFailed' })).toBe(5);
  await ledger.round();
  await ledger.round();
  expect((await ask('backfills', 'taxi-b1')).stdout).toMatch(/ Failed +5\/5, 5 failed /);
  expect((await ask('backfills', 'taxi-b1', '--retry')).stdout).toMatch(/ Running +0\/5 /);
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
  expect(await waiting).toEqual({ code: 0, stdout: 'taxi-b2  5 windows\n', stderr: 'Succeeded  5/5\n' });
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
