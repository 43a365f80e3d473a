import { request as httpRequest } from 'node:http';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createReportApi } from '../../../controller/api/report-server.ts';
import { parseAttemptId } from '../../../controller/runs/name.ts';
import { readLedger, readReports, saveReport } from '../../../controller/store/reports.ts';
import type { TaskReport } from '../../../schemas/generated/types.ts';
import { createTestLedger, manifest, type TestLedger } from '../../support/ledger.ts';
import { makeReport } from '../../support/report.ts';

let ledger: TestLedger;
let api: ReturnType<typeof createReportApi>;
let url: string;
let attempt: string;
let woken = 0;
let ready = true;

beforeAll(async () => {
  ledger = await createTestLedger({ capacity: 1000 });
  api = createReportApi({
    token: (attemptId) => `token of ${attemptId}`,
    save: async (attemptId, report) => {
      const key = parseAttemptId(attemptId);
      return key ? saveReport(ledger.pool, key, report) : 'unknown';
    },
    health: async () => ({ ready, reasons: [] }),
    wake: () => (woken += 1),
    log: pino({ level: 'silent' }),
  });
  url = await api.listen({ host: '127.0.0.1', port: 0 });
  await ledger.write({ 'a.yaml': manifest('a') });
  await ledger.pass('sync');
  await ledger.query('update versions set max_active_runs = 1000');
});
afterAll(async () => {
  await api.close();
  await ledger.close();
});

/** A live attempt for each test. */
beforeEach(async () => {
  await ledger.ask('run', { pipeline: 'a' });
  await ledger.pass('admit', 'advance', 'launch');
  const [row] = await ledger.query(
    `select run_id || '.' || task || '.' || number as id from attempts order by run_id desc limit 1`,
  );
  attempt = (row as { id: string }).id;
  woken = 0;
});

const reportOf = (attemptId: string, more: Partial<TaskReport> = {}): TaskReport => makeReport({ attemptId, ...more });

type Answer = { status: number; code: string | undefined };

function post(attemptId: string, body: unknown, token = `token of ${attemptId}`): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const sent = httpRequest(
      `${url}/api/v1/attempts/${attemptId}/report`,
      { method: 'POST', headers },
      async (answer) => {
        const text = (await answer.toArray()).join('');
        resolve({ status: answer.statusCode ?? 0, code: text === '' ? undefined : JSON.parse(text).code });
      },
    );
    sent.on('error', reject).end(typeof body === 'string' ? body : JSON.stringify(body));
  });
}

async function saved(): Promise<TaskReport | undefined> {
  const key = parseAttemptId(attempt);
  return key ? (await readReports(ledger.pool, [key]))[0]?.report : undefined;
}

test('the report of a live attempt is kept, and wakes observe', async () => {
  expect(await post(attempt, reportOf(attempt))).toEqual({ status: 204, code: undefined });
  expect(await saved()).toEqual(reportOf(attempt));
  expect(woken).toBe(1);
});

test('the same report once more is fine, for its answer may have been lost; another one is refused', async () => {
  await post(attempt, reportOf(attempt));
  expect((await post(attempt, reportOf(attempt))).status).toBe(204);
  expect(await post(attempt, reportOf(attempt, { durationMs: 2 }))).toEqual({ status: 409, code: 'settled' });
  expect(await saved()).toEqual(reportOf(attempt));
});

test('what a newer runner says more is left out, and the rest is kept', async () => {
  const sample = { block: 'one', columns: [], rows: [] };
  const newer = { ...reportOf(attempt, { sample }), colour: 'red', sample: { ...sample, seed: 7 } };
  expect(await post(attempt, newer)).toEqual({ status: 204, code: undefined });
  expect(await saved()).toEqual(reportOf(attempt, { sample }));
});

test('a settled attempt takes no report', async () => {
  await ledger.query(`update attempts set phase = 'Lost', finished_at = now() where run_id = $1`, [
    attempt.split('.')[0],
  ]);
  expect(await post(attempt, reportOf(attempt))).toEqual({ status: 409, code: 'settled' });
  expect(await saved()).toBeUndefined();
});

test.each([
  ['no token', ''],
  ['another attempt’s token', 'token of 1.one.1'],
  ['a token that is cut', 'token of'],
])('%s is refused before anything is read', async (_name, token) => {
  expect(await post(attempt, 'no JSON at all', token)).toEqual({ status: 401, code: 'bad-token' });
});

test('a report that is none, is another’s, or is of no attempt is refused', async () => {
  expect((await post(attempt, { attemptId: attempt })).status).toBe(400);
  expect((await post(attempt, reportOf('1.one.1'))).status).toBe(400);
  expect(await post('1.one.1', reportOf('1.one.1'))).toEqual({ status: 404, code: 'unknown-attempt' });
  expect(await post('nonsense', reportOf('nonsense'))).toEqual({ status: 404, code: 'unknown-attempt' });
  expect(await post(attempt, `"${'x'.repeat(2 << 20)}"`)).toEqual({ status: 413, code: 'too-large' });
  expect(await saved()).toBeUndefined();
});

test('probes are answered', async () => {
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  ready = false;
  expect((await fetch(`${url}/readyz`)).status).toBe(503);
});

test('a store has a key of its own, of 32 bytes', async () => {
  const { id, reportKey } = await readLedger(ledger.pool);
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect(reportKey).toHaveLength(32);
});
