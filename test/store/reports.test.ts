import { afterEach, beforeEach, expect, test } from 'vitest';
import { settleAttempts } from '../../controller/store/attempts.ts';
import { transaction } from '../../controller/store/pool.ts';
import { type AttemptKey, readReports, saveReport } from '../../controller/store/reports.ts';
import type { TaskReport } from '../../schemas/generated/types.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';
import { makeReport } from '../support/report.ts';

let ledger: TestLedger;
let key: AttemptKey;

beforeEach(async () => {
  ledger = await createTestLedger();
  await ledger.write({ 'a.yaml': manifest('a') });
  await ledger.pass('sync');
  await ledger.ask('run', { pipeline: 'a' });
  await ledger.pass('admit', 'advance', 'launch');
  [key] = (await ledger.query('select run_id as "runId", task, number from attempts')) as [AttemptKey];
});
afterEach(() => ledger.close());

const reportOf = (more: Partial<TaskReport> = {}): TaskReport =>
  makeReport({ attemptId: `${key.runId}.${key.task}.${key.number}`, ...more });
const sampleOf = (...cells: string[]) => ({ block: 'one', columns: [], rows: [cells] });
/** NUL, which Postgres has no place for, and an emoji that was cut in two. */
const odd = sampleOf('a\0b', '\ud83d');
const made = sampleOf('a\ufffdb', '\ufffd');

const settle = (report: TaskReport | null) =>
  transaction(ledger.pool, (db) =>
    settleAttempts(db, [
      { ...key, phase: report ? 'Succeeded' : 'Lost', reason: report ? null : 'Lost', message: null, report },
    ]),
  );
const attempt = async () => (await ledger.query('select phase, report from attempts'))[0];

test('only reports that are there are read', async () => {
  expect(await readReports(ledger.pool, [])).toEqual([]);
  expect(await readReports(ledger.pool, [key])).toEqual([]);
  await saveReport(ledger.pool, key, reportOf());
  expect(await readReports(ledger.pool, [key, { ...key, number: 2 }])).toEqual([{ ...key, report: reportOf() }]);
});

test('of two different reports at once one is kept', async () => {
  const reports = [1, 2, 3, 4].map((durationMs) => reportOf({ durationMs }));
  const answers = await Promise.all(reports.map((report) => saveReport(ledger.pool, key, report)));
  expect(answers.toSorted()).toEqual(['saved', 'settled', 'settled', 'settled']);
  expect((await attempt()).report).toEqual(reports[answers.indexOf('saved')]);
});

test('texts that Postgres cannot keep are kept as near as can be, also when they come again', async () => {
  const report = reportOf({ sample: odd });
  expect(await saveReport(ledger.pool, key, report)).toBe('saved');
  expect(await saveReport(ledger.pool, key, report)).toBe('saved');
  expect((await attempt()).report.sample).toEqual(made);
});

test('an attempt with such texts in its report is settled', async () => {
  await settle(reportOf({ sample: odd }));
  expect(await attempt()).toMatchObject({ phase: 'Succeeded', report: { sample: made } });
});

test('a report that came after the last look is not lost: its attempt is settled by the next one', async () => {
  await saveReport(ledger.pool, key, reportOf());
  await settle(null);
  expect(await attempt()).toMatchObject({ phase: 'Running', report: reportOf() });
  await settle(reportOf());
  expect(await attempt()).toMatchObject({ phase: 'Succeeded', report: reportOf() });
});
