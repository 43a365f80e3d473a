import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApi } from '../../../controller/api/server.ts';
import { createReads } from '../../../controller/store/reads.ts';
import { createRequests, type RequestResult } from '../../../controller/store/requests.ts';
import type { TaskReport } from '../../../schemas/generated/types.ts';
import { createHistory, type History } from '../../support/history.ts';
import { launch, pipewright } from './command.ts';

let history: History;
let api: ReturnType<typeof createApi>;
let server: string;
let answer: (request: { kind: string; body: Record<string, unknown> }) => Promise<RequestResult>;

const january = { start: '2019-01-01T05:00:00.000Z', end: '2019-02-01T05:00:00.000Z', label: '2019-01' };
const february = { start: '2019-02-01T05:00:00.000Z', end: '2019-03-01T05:00:00.000Z', label: '2019-02' };

const report: TaskReport = {
  attemptId: '1.warehouse.2',
  outcome: 'Failed',
  reason: 'CheckFailed',
  error: { message: 'a check failed on 3 rows', block: 'trips', file: 'taxi.yaml', line: 12, column: 7 },
  startedAt: january.start,
  finishedAt: january.start,
  durationMs: 3210,
  peakMemoryBytes: 120_000_000,
  blocks: [
    {
      name: 'trips',
      kind: 'load.http',
      rows: 1234567,
      bytes: 98_700_000,
      durationMs: 2100,
      checks: [
        { name: 'passenger_count > 0', severity: 'error', failedRows: 3, passed: false },
        { name: 'fare', severity: 'warn', failedRows: 1, passed: false },
        { name: 'there', severity: 'error', failedRows: 0, passed: true },
      ],
    },
    {
      name: 'warehouse',
      kind: 'export.postgres',
      rows: null,
      bytes: null,
      durationMs: null,
      checks: [],
      note: 'not begun',
    },
  ],
  sample: { block: 'trips', columns: [{ name: 'fare', type: 'DOUBLE' }], rows: [['1.5'], [null]] },
  partial: false,
};

beforeAll(async () => {
  history = await createHistory();
  const taxi = await history.pipeline('taxi', { every: { unit: 'month', count: 1 }, timeZone: 'America/New_York' });
  await history.window(taxi, january, await history.run(taxi, { window: january }));
  const failed = await history.run(taxi, {
    window: february,
    phase: 'Failed',
    reason: 'CheckFailed',
    message: 'task "warehouse" failed',
    variables: { limit: 5 },
  });
  await history.window(taxi, february, failed);
  await history.pool.query(
    `insert into skipped_ranges (pipeline_id, calendar_id, start_at, end_at, windows, reason) values ($1, $2, '2018-10-01T04:00:00Z', $3, 3, 'CatchUpLatest')`,
    [taxi.id, taxi.calendarId, january.start],
  );
  await history.pool.query(
    `insert into tasks (run_id, name, position, blocks, needs, phase, attempts) values ($1, 'warehouse', 0, '{trips,warehouse}', '{}', 'Failed', 2)`,
    [failed.id],
  );
  const insert = `insert into attempts (run_id, task, number, phase, reason, message, launched_at, finished_at, report) values ($1, 'warehouse', $2, $3, $4, $5, now(), now(), $6)`;
  await history.pool.query(insert, [failed.id, 1, 'Lost', 'Lost', 'its process ended with exit code 137', null]);
  await history.pool.query(insert, [failed.id, 2, 'Failed', 'CheckFailed', null, report]);
  await history.pool.query(
    `insert into problems values (1, 0, null, 'broken.yaml', 3, 5, 'unknown-field', 'block "x": there is no field "y"', '> 3 | y: 1')`,
  );
  api = createApi({
    reads: createReads({ pool: history.pool }),
    requests: createRequests({ pool: history.pool }),
    logs: async (run) => (run === 'taxi-2019-01' ? lines() : null),
    health: async () => ({ ready: true, reasons: [] }),
    wake: () => void intake(),
    log: pino({ level: 'silent' }),
  });
  server = await api.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await api.close();
  await history.close();
});

async function* lines() {
  yield '[warehouse#1] reading\n[warehouse#1] 5 [rows]\n';
}

async function intake(): Promise<void> {
  const { rows } = await history.pool.query('select id, kind, body from requests where handled_at is null');
  for (const row of rows) {
    const result = await answer(row);
    await history.pool.query('update requests set handled_at = now(), result = $2 where id = $1', [row.id, result]);
  }
}

const ask = (...args: string[]) => pipewright([...args, '--server', server]);

async function json(...args: string[]) {
  const { code, stdout, stderr } = await ask(...args, '--output', 'json');
  expect(stderr).toBe('');
  return { code, value: JSON.parse(stdout) };
}

describe('runs', () => {
  test('lists the newest runs as a table that fits into 100 columns', async () => {
    const { code, stdout } = await ask('runs');
    expect(code).toBe(0);
    const [header, first, second] = stdout.split('\n').map((line) => line.split(/ {2,}/));
    expect(header).toEqual(['NAME', 'PHASE', 'QUEUED', 'TOOK', 'TRIGGER', 'REASON']);
    expect(first).toEqual([
      'taxi-2019-02',
      'Failed',
      expect.stringMatching(/^\d+s ago$/),
      expect.any(String),
      'schedule',
      'CheckFailed',
    ]);
    expect(second?.slice(0, 2)).toEqual(['taxi-2019-01', 'Succeeded']);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  test('prints exactly the promised fields as JSON', async () => {
    const { value } = await json('runs', '--phase', 'Succeeded', '--pipeline', 'taxi');
    expect(value).toEqual({
      runs: [
        {
          name: 'taxi-2019-01',
          pipeline: 'taxi',
          window: { start: january.start, end: january.end },
          phase: 'Succeeded',
          trigger: 'schedule',
          runNo: 1,
          startedAt: expect.any(String),
          finishedAt: expect.any(String),
          reason: null,
        },
      ],
    });
  });

  test('goes over as many pages as `--limit` needs', async () => {
    const bulk = await history.pipeline('bulk', null);
    await history.pool.query(
      `insert into runs (name, pipeline_id, version_id, run_no, trigger, phase, finished_at)
       select 'bulk-m' || n, $1, $2, 1, 'manual', 'Succeeded', now() from generate_series(1, 1100) n`,
      [bulk.id, bulk.versionId],
    );
    const { value } = await json('runs', '--pipeline', 'bulk', '--limit', '1050');
    expect(new Set(value.runs.map((run: { name: string }) => run.name)).size).toBe(1050);
    expect((await json('runs', '--pipeline', 'bulk', '--limit', '5000')).value.runs).toHaveLength(1100);
  });

  test('finds the controller by PIPEWRIGHT_SERVER too', async () => {
    const { code, stdout } = await pipewright(['runs', '--limit', '1'], { env: { PIPEWRIGHT_SERVER: server } });
    expect([code, stdout.split('\n').length]).toEqual([0, 3]);
  });

  test('ends quietly when its reader has seen enough', async () => {
    const child = launch(['runs', '--limit', '5000', '--server', server]);
    child.stdout.once('data', () => child.stdout.destroy());
    const code = await new Promise((resolve) => child.once('exit', resolve));
    expect(code).toBe(0);
  });
});

describe('pipelines', () => {
  test('lists pipelines with schedule and last run, and the problems with their place', async () => {
    const { code, stdout } = await ask('pipelines');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^taxi +every month \(America\/New_York\) +Failed +2019-02-01 +\d+s ago +ready$/m);
    expect(stdout).toContain('1 problem in the manifests');
    expect(stdout).toContain(
      'broken.yaml:3:5 error block "x": there is no field "y" [unknown-field], of default\n  > 3 | y: 1',
    );
    const { value } = await json('pipelines');
    expect(value).toMatchObject({
      pipelines: [{ name: 'bulk' }, { name: 'taxi' }],
      problems: [{ file: 'broken.yaml' }],
    });
  });
});

describe('windows', () => {
  test('lists windows and skipped stretches, newest first, in local time and in UTC', async () => {
    const { code, stdout } = await ask('windows', 'taxi');
    expect(code).toBe(0);
    const rows = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(rows).toEqual([
      ['START (America/New_York)', 'START (UTC)', 'PHASE', 'RUN', 'REASON'],
      ['2019-02-01 00:00', '2019-02-01 05:00', 'Failed', 'taxi-2019-02', 'CheckFailed'],
      ['2019-01-01 00:00', '2019-01-01 05:00', 'Succeeded', 'taxi-2019-01'],
      ['2018-10-01 00:00', '2018-10-01 04:00', 'Skipped', '3 windows', 'CatchUpLatest'],
    ]);
    const { value } = await json('windows', 'taxi', '--limit', '1');
    expect(value).toMatchObject({
      timeZone: 'America/New_York',
      windows: [{ label: '2019-02' }],
      skipped: [],
      next: expect.any(String),
    });
  });

  test('says that a pipeline has no schedule', async () => {
    await history.pipeline('on-demand', null);
    expect((await ask('windows', 'on-demand')).stdout).toBe(
      'Pipeline "on-demand" has no schedule, so it has no windows.\n',
    );
  });

  test('shows every window of a span, also those to come, as a table, a grid and JSON', async () => {
    const schedule = {
      calendar: { every: { unit: 'month', count: 1 }, timeZone: 'America/New_York' },
      startAt: null,
      endAt: null,
      delayMs: 0,
      deadlineMs: null,
      catchUp: 'all',
    };
    await history.pool.query(`update versions set schedule = $1 where digest = 'digest of taxi'`, [schedule]);
    const { stdout, stderr } = await ask('windows', 'taxi', '--from', '2018-11', '--to', '2019-04');
    expect(stdout.split('\n').map((line) => line.split(/ {2,}/).slice(0, 4))).toEqual([
      ['START (America/New_York)', 'START (UTC)', 'PHASE', 'RUN'],
      ['2018-11-01 00:00', '2018-11-01 04:00', 'Skipped', 'CatchUpLatest'],
      ['2018-12-01 00:00', '2018-12-01 05:00', 'Skipped', 'CatchUpLatest'],
      ['2019-01-01 00:00', '2019-01-01 05:00', 'Succeeded', 'taxi-2019-01'],
      ['2019-02-01 00:00', '2019-02-01 05:00', 'Failed', 'taxi-2019-02'],
      ['2019-03-01 00:00', '2019-03-01 05:00', 'Missing'],
      [''],
    ]);
    expect(stderr).toBe('');
    const grid = await ask('windows', 'taxi', '--from', '2018-11', '--to', '2020', '--grid');
    expect(grid.stdout.split('\n')).toEqual([
      '2018                      – –',
      '2019  ✓ ✗ · · · · · · · · · ·',
      '',
      '✗ Failed   · Missing   – Skipped   ✓ Succeeded',
      '',
    ]);
    const { value } = await json('windows', 'taxi', '--from', '2999-01', '--limit', '2');
    expect(value.windows.map((window: { label: string; phase: string }) => [window.label, window.phase])).toEqual([
      ['2999-01', 'Missing'],
      ['2999-02', 'Missing'],
    ]);
    expect(value.next).toBe('2999-03-01T05:00:00.000Z');
  });

  test('says what is wrong with a span', async () => {
    expect(await ask('windows', 'taxi', '--grid')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--from'),
    });
    expect((await ask('windows', 'taxi', '--from', 'soon', '--to', '2019')).stderr).toContain(
      '"from" is "soon", which is no date or time',
    );
    expect((await ask('windows', 'taxi', '--from', '2019', '--to', '2018')).stderr).toContain('swap them');
  });
});

describe('show', () => {
  test('tells of a run its tasks, attempts, blocks, checks, errors with their place, and a sample', async () => {
    const { code, stdout } = await ask('show', 'taxi-2019-02');
    expect(code).toBe(0);
    for (const part of [
      /^taxi-2019-02 {2}Failed {2}CheckFailed$/m,
      /^task "warehouse" failed$/m,
      /^Window: +2019-02-01 05:00 to 2019-03-01 05:00 UTC$/m,
      /^Variables: +limit=5$/m,
      /^Task warehouse {2}Failed$/m,
      /^ {2}attempt 1 {2}Lost {2}Lost\n {4}its process ended with exit code 137$/m,
      /^ {2}attempt 2 {2}Failed {2}CheckFailed {2}3\.2s {2}120\.0 MB at most$/m,
      /^ {4}trips +load\.http +1,234,567 rows +98\.7 MB +2\.1s$/m,
      /^ {6}✗ passenger_count > 0: 3 rows failed$/m,
      /^ {6}! fare: 1 row failed \(warning\)$/m,
      /^ {6}✓ there$/m,
      /^ {4}warehouse +export\.postgres +not begun$/m,
      /^ {4}CheckFailed: a check failed on 3 rows\n {6}at block "trips", taxi\.yaml:12:7$/m,
      /^Sample of trips \(2 rows\)$/m,
    ]) {
      expect(stdout).toMatch(part);
    }
    expect((await json('show', 'taxi-2019-02')).value).toMatchObject({
      name: 'taxi-2019-02',
      tasks: [{ attempts: [{ number: 1 }, { report }] }],
    });
  });
});

describe('logs', () => {
  test('prints the lines as they are, or one JSON object a line', async () => {
    expect((await ask('logs', 'taxi-2019-01', '-f')).stdout).toBe('[warehouse#1] reading\n[warehouse#1] 5 [rows]\n');
    const { stdout } = await ask('logs', 'taxi-2019-01', '-o', 'json');
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { task: 'warehouse', attempt: 1, text: 'reading' },
      { task: 'warehouse', attempt: 1, text: '5 [rows]' },
    ]);
  });
});

describe('run, rerun and cancel', () => {
  test('send the request and print the name of the run', async () => {
    const seen: unknown[] = [];
    answer = async ({ kind, body }) => {
      seen.push([kind, body]);
      return { run: 'taxi-2019-01-2' };
    };
    expect(await ask('run', 'taxi', '--window', '2019-01', '--var', 'limit=5', '--var', 'text=a=b')).toEqual({
      code: 0,
      stdout: 'taxi-2019-01-2\n',
      stderr: '',
    });
    expect((await ask('rerun', 'taxi-2019-01')).stdout).toBe('taxi-2019-01-2\n');
    expect((await json('cancel', 'taxi-2019-01')).value).toEqual({ run: 'taxi-2019-01-2' });
    expect(seen).toEqual([
      ['run', { pipeline: 'taxi', window: '2019-01', variables: { limit: '5', text: 'a=b' } }],
      ['rerun', { run: 'taxi-2019-01' }],
      ['cancel', { run: 'taxi-2019-01' }],
    ]);
  });

  test('with --wait end with the run, and with 1 when it failed', async () => {
    const pipeline = await history.pipeline('waited', null);
    const run = await history.run(pipeline, { name: 'waited-m1', phase: 'Running' });
    answer = async () => ({ run: run.name });
    const waiting = ask('run', 'waited', '--wait');
    // Seen running at least once: the command is then waiting.
    await history.pool.query(
      `update runs set phase = 'Failed', reason = 'TimedOut', message = 'it took too long', finished_at = now() where id = $1`,
      [run.id],
    );
    expect(await waiting).toMatchObject({
      code: 1,
      stdout: 'waited-m1\n',
      stderr: expect.stringMatching(/^Failed {2}TimedOut .*\nit took too long\n$/),
    });

    await history.pool.query(`update runs set phase = 'Succeeded', reason = null, message = null where id = $1`, [
      run.id,
    ]);
    const { code, value } = await json('rerun', 'waited-m1', '--wait');
    expect([code, value]).toEqual([0, { run: 'waited-m1', phase: 'Succeeded', reason: null, message: null }]);
  });

  test('print a refusal and end with 1', async () => {
    answer = async () => ({ error: 'run "x" has already ended', code: 'settled' });
    expect(await ask('cancel', 'x')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'pipewright: run "x" has already ended\n',
    });
    const { code, stderr } = await ask('cancel', 'x', '--output', 'json');
    expect([code, JSON.parse(stderr)]).toEqual([1, { error: 'run "x" has already ended', code: 'settled' }]);
  });
});

describe('exit codes and colours', () => {
  test('are 1 for what is not there and 2 for wrong usage and when nobody answers', async () => {
    for (const args of [
      ['show', 'nothing'],
      ['logs', 'nothing'],
      ['windows', 'nothing'],
      ['runs', '--pipeline', 'nothing'],
    ]) {
      expect(await ask(...args)).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringMatching(/^pipewright: there is no /),
      });
    }
    for (const args of [
      ['frob'],
      ['runs', '--frob'],
      ['show'],
      ['runs', '--limit', 'x'],
      ['run', 'taxi', '--var', 'x'],
      ['runs', '-o', 'xml'],
    ]) {
      expect(await pipewright(args)).toMatchObject({ code: 2, stdout: '' });
    }
    const { code, stderr } = await pipewright(['runs', '--server', 'http://127.0.0.1:1']);
    expect([code, stderr]).toEqual([
      2,
      'pipewright: no controller answers at http://127.0.0.1:1; start one with `pipewright start`, or name another with --server\n',
    ]);
  });

  test('stay away from a pipe and from NO_COLOR, and come with FORCE_COLOR', async () => {
    const colored = async (env: Record<string, string>) =>
      (await pipewright(['runs', '--limit', '1', '--server', server], { env })).stdout.includes('\u001b[');
    expect(await colored({})).toBe(false);
    expect(await colored({ CI: '1' })).toBe(false);
    expect(await colored({ FORCE_COLOR: '1' })).toBe(true);
    expect(await colored({ FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(false);
  });
});
