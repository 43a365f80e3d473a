import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RequestResult } from '../../../controller/store/requests.ts';
import { createHistory, type History } from '../../support/history.ts';
import { serve } from './server.ts';

let history: History;
let api: Awaited<ReturnType<typeof serve>>;
let seen: unknown[] = [];
let answer: (body: Record<string, unknown>) => RequestResult = () => ({ run: 'x', taken: [], again: [] });

beforeAll(async () => {
  history = await createHistory();
  for (const name of ['taxi-red', 'taxi-yellow', 'bus']) {
    const window = { start: '2019-01-01T00:00:00Z', end: '2019-02-01T00:00:00Z', label: '2019-01' };
    const pipeline = await history.pipeline(name);
    const run = await history.run(pipeline, { phase: 'Failed', reason: 'OutOfMemory', window });
    await history.window(pipeline, window, run);
  }
  api = await serve({ pool: history.pool, wake: () => void intake() });
});
afterAll(async () => {
  await api.close();
  await history.close();
});

async function intake(): Promise<void> {
  const { rows } = await history.pool.query('select id, kind, body from requests where handled_at is null');
  for (const { id, kind, body } of rows) {
    seen.push([kind, body]);
    const result = JSON.stringify(answer(body));
    await history.pool.query('update requests set handled_at = now(), result = $2 where id = $1', [id, result]);
  }
}

const ask = (...args: string[]) => {
  seen = [];
  return api.ask(...args);
};

test('rerun --from says what it took over, and what it runs again all the same', async () => {
  const again = [{ task: 'load', why: 'its manifest has changed' }];
  answer = () => ({ run: 'bus-2019-01-2', taken: ['count', 'clean'], again });
  expect(await ask('rerun', 'bus-2019-01', '--from', 'export', '--version', 'original')).toEqual({
    code: 0,
    stdout: 'bus-2019-01-2\n',
    stderr: 'taken over: count, clean\ntask load runs again: its manifest has changed\n',
  });
  expect(seen).toEqual([['rerun', { run: 'bus-2019-01', from: 'export', version: 'original' }]]);
  const { stdout } = await ask('rerun', 'bus-2019-01', '--from', 'failed', '-o', 'json');
  expect(JSON.parse(stdout)).toEqual({ run: 'bus-2019-01-2', taken: ['count', 'clean'], again });
});

test('a selection with --dry-run lists what would run again and asks for nothing', async () => {
  const { code, stdout, stderr } = await ask('rerun', '--since', '2d', '--pipeline', 'taxi-*', '--dry-run');
  expect([code, stderr]).toEqual([0, '2 runs would run again.\n']);
  expect(stdout).toMatch(/^NAME .*\ntaxi-red-2019-01 +Failed .*OutOfMemory *\ntaxi-yellow-2019-01 +Failed /);
  expect(seen).toEqual([]);
});

test('with --yes it makes one request for each run, and what one refuses hinders no other', async () => {
  answer = ({ run }) =>
    run === 'taxi-red-2019-01' ? { error: 'it is live', code: 'live' } : { run: `${run}-2`, taken: [], again: [] };
  const { code, stdout } = await ask(
    'rerun',
    '--reason',
    'OutOfMemory',
    '--pipeline',
    'taxi-*',
    '--from',
    'failed',
    '--yes',
  );
  expect(code).toBe(1);
  expect(stdout.trim().split('\n').slice(-2)).toEqual([
    'taxi-red-2019-01: it is live',
    'taxi-yellow-2019-01 → taxi-yellow-2019-01-2',
  ]);
  expect(seen).toEqual([
    ['rerun', { run: 'taxi-red-2019-01', from: 'failed' }],
    ['rerun', { run: 'taxi-yellow-2019-01', from: 'failed' }],
  ]);
});

test('where nobody can be asked it does nothing without --yes', async () => {
  const { code, stderr } = await ask('rerun', '--reason', 'OutOfMemory');
  expect([code, seen]).toEqual([2, []]);
  expect(stderr).toContain('nobody can be asked here; add --yes, or --dry-run to look');
});

test('cancel takes the same selection, of what is queued or runs', async () => {
  await history.pool.query(
    `update runs set phase = 'Running', finished_at = null, reason = null where name = 'bus-2019-01'`,
  );
  answer = ({ run }) => ({ run: String(run) });
  const { code, stdout } = await ask('cancel', '--pipeline', '*', '--yes', '-o', 'json');
  expect([code, JSON.parse(stdout)]).toEqual([0, { runs: [{ of: 'bus-2019-01', run: 'bus-2019-01' }], more: false }]);
});

test('wrong usage ends with 2 and a sentence', async () => {
  for (const [args, sentence] of [
    [['rerun'], 'rerun: name a run, or select runs with --since, --pipeline, --reason or --phase'],
    [['rerun', 'a', '--since', '2d'], 'a run is named and runs are selected too; leave out one of them'],
    [['rerun', '--since', 'x'], '--since x is no time; write it as 2d, 12h or 2019-01-31'],
  ] as const) {
    const { code, stderr } = await ask(...args);
    expect([code, stderr]).toEqual([2, `pipewright: ${sentence}\n`]);
  }
});
