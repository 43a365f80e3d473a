import { afterEach, beforeEach, expect, test } from 'vitest';
import { readPipelinePublications } from '../../controller/store/publications.ts';
import { createReads } from '../../controller/store/reads.ts';
import { msUntilDue } from '../../controller/store/windows.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';

let ledger: TestLedger;
beforeEach(async () => {
  ledger = await createTestLedger();
});
afterEach(() => ledger.close());

/** A pipeline that has been there for years, and the window of yesterday, which was due at midnight. */
async function sinceMidnight(deadline: string): Promise<void> {
  await ledger.write({
    'a.yaml': manifest('a', `schedule: { every: day, startAt: 2020-01-01, deadline: ${deadline}, catchUp: latest }\n`),
  });
  await ledger.pass('sync');
  await ledger.query(`update pipelines set created_at = '2020-01-01'`);
  await ledger.pass('schedule');
}

const late = () =>
  ledger.query(`select label, late_at = deadline_at as late, phase from windows where late_at is not null`);
const audit = () => ledger.query(`select subject, reason, details ->> 'phase' as phase from audit where verb = 'late'`);
const yesterday = async () => (await ledger.query(`select label from windows`))[0].label as string;

test('a window that has not succeeded by its deadline is late, even if its run never started, and its run goes on', async () => {
  await sinceMidnight('1ms');
  const label = await yesterday();
  expect(await late()).toEqual([{ label, late: true, phase: 'Queued' }]);
  expect(await audit()).toEqual([{ subject: `a-${label}`, reason: 'DeadlineMissed', phase: 'Queued' }]);
  await ledger.round();
  ledger.fake.endAll('Succeeded');
  await ledger.pass('observe', 'advance', 'schedule');
  expect(await late()).toEqual([{ label, late: true, phase: 'Succeeded' }]);
  expect(await audit()).toHaveLength(1);
  const reads = createReads({ pool: ledger.pool });
  expect((await reads.run(`a-${label}`))?.lateAt).toMatch(/T00:00:00.001Z$/);
  expect((await reads.windows('a', { limit: 1 }))?.windows).toMatchObject([{ lateAt: expect.any(String) }]);
});

test('a window that succeeds before its deadline is never late, and the step wakes for the deadline of one that has not', async () => {
  await sinceMidnight('2d');
  const [{ ms }] = (await ledger.query(
    `select extract(epoch from (deadline_at - now())) * 1000 as ms from windows`,
  )) as [{ ms: string }];
  const wait = await msUntilDue(ledger.pool);
  // The next window is due before that.
  expect(wait).toBeLessThanOrEqual(Number(ms));
  await ledger.query(`update pipelines set next_due_at = null`);
  expect(Math.abs(((await msUntilDue(ledger.pool)) ?? 0) - Number(ms))).toBeLessThan(60_000);
  await ledger.round();
  ledger.fake.endAll('Succeeded');
  await ledger.pass('observe', 'advance');
  expect(await msUntilDue(ledger.pool)).toBeNull();
  await ledger.query(`update windows set deadline_at = now() - interval '1 hour'`);
  await ledger.pass('schedule');
  expect(await late()).toEqual([]);
});

test('a success that nobody saw until its deadline had passed is late', async () => {
  await sinceMidnight('30d');
  await ledger.round();
  await ledger.query(`update windows set deadline_at = now() - interval '1 hour'`);
  ledger.fake.endAll('Succeeded');
  await ledger.pass('observe', 'advance');
  expect(await late()).toMatchObject([{ phase: 'Succeeded', late: true }]);
  expect(await audit()).toHaveLength(1);
});

test('what was due before the pipeline was there is caught up without being late', async () => {
  const spec = 'schedule: { every: month, startAt: 2019-01-01, endAt: 2019-04-01, deadline: 1h, catchUp: all }\n';
  await ledger.write({ 'a.yaml': manifest('a', spec) });
  await ledger.pass('sync', 'schedule');
  expect(await ledger.ask('run', { pipeline: 'a', window: '2018-12' })).toEqual({ run: 'a-2018-12' });
  await ledger.pass('schedule');
  expect(await late()).toEqual([]);
  expect(await ledger.runs()).toHaveLength(4);
});

test('a late window is shown with its pipeline in the cluster until it has ended well', async () => {
  await ledger.close();
  ledger = await createTestLedger({ publishes: true });
  await sinceMidnight('30d');
  await ledger.query(`update windows set deadline_at = now() - interval '1 hour'`);
  await ledger.query('delete from dirty');
  await ledger.pass('schedule');
  expect(await ledger.query('select kind, pace from dirty')).toEqual([{ kind: 'pipeline', pace: 'soon' }]);
  const shown = async () => (await readPipelinePublications(ledger.pool, { names: ['a'] }))[0]?.late;
  expect(await shown()).toEqual({ window: await yesterday(), deadline: expect.any(String) });
  await ledger.round();
  ledger.fake.endAll('Succeeded');
  await ledger.pass('observe', 'advance');
  expect(await shown()).toBeNull();
});

test('a late window that somebody holds is left to the next pass, and keeps no other waiting', async () => {
  await sinceMidnight('30d');
  await ledger.ask('run', { pipeline: 'a', window: '2026-01-01' });
  await ledger.query(`update windows set deadline_at = now() - interval '1 hour'`);
  const other = await ledger.pool.connect();
  await other.query('begin');
  await other.query(`select from windows where label = '2026-01-01' for update`);
  await ledger.pass('schedule');
  expect(await late()).toHaveLength(1);
  await other.query('rollback');
  other.release();
  await ledger.pass('schedule');
  expect(await late()).toHaveLength(2);
});
