import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApi } from '../../../controller/api/server.ts';
import { createReads } from '../../../controller/store/reads.ts';
import { createRequests } from '../../../controller/store/requests.ts';
import type { Usage } from '../../../schemas/generated/types.ts';
import { createHistory, type History } from '../../support/history.ts';
import { makeReport } from '../../support/report.ts';
import { pipewright } from './command.ts';

let history: History;
let api: ReturnType<typeof createApi>;
let server: string;
const mebibyte = 1024 * 1024;

beforeAll(async () => {
  history = await createHistory();
  const taxi = await history.pipeline('taxi', null);
  await history.pipeline('idle', null);
  for (let i = 1; i <= 25; i++) {
    const { id } = await history.run(taxi, { name: `taxi-m${i}` });
    await history.pool.query(
      `insert into tasks (run_id, name, position, blocks, needs, phase, attempts) values ($1, 'load', 0, '{load}', '{}', 'Succeeded', 1)`,
      [id],
    );
    const usage: Usage = {
      // The first runs are too long ago to count.
      peakMemoryBytes: (i <= 5 ? 4000 : 200) * mebibyte,
      cpuMs: 400,
      requestedMemoryBytes: 1024 * mebibyte,
      requestedCpuMillis: 500,
    };
    await history.pool.query(
      `insert into attempts (run_id, task, number, phase, launched_at, finished_at, report) values ($1, 'load', 1, 'Succeeded', now(), now(), $2)`,
      [id, makeReport({ attemptId: `${id}.load.1`, peakMemoryBytes: 1, usage })],
    );
  }
  api = createApi({
    reads: createReads({ pool: history.pool }),
    requests: createRequests({ pool: history.pool }),
    logs: async () => null,
    health: async () => ({ ready: true, reasons: [] }),
    wake: () => {},
    log: pino({ level: 'silent' }),
  });
  server = await api.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await api?.close();
  await history?.close();
});

const show = (...args: string[]) => pipewright(['show', ...args, '--server', server]);

test('a run shows what it used of what had been requested, and what would fit better', async () => {
  const { code, stdout } = await show('taxi-m25');
  expect(code).toBe(0);
  expect(stdout).toContain('attempt 1  Succeeded  1.0s  209.7 MB of 1.1 GB, 0.4 of 0.5 CPU');
  expect(stdout).toContain('Requests that would fit task load better, by the last runs: memory: 256Mi');
});

test('a pipeline shows what its last runs used, beside requests that would fit', async () => {
  const { code, stdout } = await show('taxi');
  expect(code).toBe(0);
  expect(stdout.split('\n').map((line) => line.trim().split(/ {2,}/))).toEqual([
    ['TASK', 'ATTEMPTS', 'MEMORY', 'REQUESTED', 'CPU', 'REQUESTED', 'SUGGESTED'],
    ['load', '20', '209.7 MB', '1.1 GB', '0.4', '0.5', 'memory: 256Mi'],
    [''],
  ]);
});

test('the same as JSON', async () => {
  const { stdout } = await show('taxi', '--output', 'json');
  expect(JSON.parse(stdout)).toMatchObject({
    pipeline: 'taxi',
    tasks: [{ task: 'load', attempts: 20, cpuMillis: 400, suggestion: { memory: '256Mi' } }],
  });
});

test('a pipeline that has told nothing says so', async () => {
  const { code, stdout } = await show('idle');
  expect([code, stdout]).toEqual([
    0,
    'No run of pipeline "idle" has told yet what it used; only runners in a cluster do.\n',
  ]);
});

test('what is neither a run nor a pipeline is refused', async () => {
  const { code, stderr } = await show('nothing');
  expect(code).toBe(1);
  expect(stderr).toContain('there is no run "nothing"');
});
