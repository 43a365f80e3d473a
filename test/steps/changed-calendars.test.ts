import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';

let ledger: TestLedger;
beforeEach(async () => {
  ledger = await createTestLedger();
});
afterEach(() => ledger.close());

const schedule = (every: string, more: string) =>
  manifest(
    'a',
    `schedule: { every: ${every}, startAt: 2025-01-01, endAt: 2025-01-08, catchUp: all }\nmaxActiveRuns: 99\n${more}`,
  );
const windows = async () =>
  (await ledger.query('select start_at, end_at from windows order by start_at')).map(
    (row) => `${short(row.start_at)} ${short(row.end_at)}`,
  );
const short = (at: unknown) => (at as Date).toISOString().slice(5, 13);

/** A window that somebody asked for while the schedule stood still, before the schedule changed. */
async function askAhead(request: () => Promise<unknown>): Promise<void> {
  await ledger.write({ 'a.yaml': schedule('day', 'suspend: true\n') });
  await ledger.pass('sync');
  await request();
  await ledger.write({ 'a.yaml': schedule('12 hours', 'suspend: true\n') });
  await ledger.pass('sync');
}

test('a changed schedule goes round a window that somebody had asked for', async () => {
  await askAhead(() => ledger.ask('run', { pipeline: 'a', window: '2025-01-05' }));
  await ledger.write({ 'a.yaml': schedule('12 hours', 'suspend: false\n') });
  await ledger.pass('sync', 'schedule');
  const found = await windows();
  expect(found).toHaveLength(13);
  expect(found.slice(7, 10)).toEqual(['01-04T12 01-05T00', '01-05T00 01-06T00', '01-06T00 01-06T12']);
  const ends = found.map((text) => text.split(' '));
  for (const [index, [start]] of ends.slice(1).entries()) expect(start).toBe(ends[index]?.[1]);
  expect(await ledger.query('select name from runs group by name having count(*) > 1')).toEqual([]);
});

test('a changed schedule goes round the windows that a backfill has still to run', async () => {
  await askAhead(() => ledger.ask('backfill', { pipeline: 'a', from: '2025-01-03', to: '2025-01-05' }));
  await ledger.write({ 'a.yaml': schedule('12 hours', 'suspend: false\n') });
  await ledger.pass('sync', 'schedule');
  await ledger.round();
  expect((await windows()).filter((text) => /^01-0[34]/.test(text))).toEqual([
    '01-03T00 01-04T00',
    '01-04T00 01-05T00',
  ]);
  expect(await windows()).toHaveLength(12);
});

test('where windows are of unequal length, the new ones end and begin at those that are there', async () => {
  await askAhead(() => ledger.ask('run', { pipeline: 'a', window: '2025-01-04' }));
  await ledger.write({ 'a.yaml': schedule('3 days', 'suspend: false\n') });
  await ledger.pass('sync', 'schedule');
  const found = await windows();
  expect(found).toContain('01-04T00 01-05T00');
  const ends = found.map((text) => text.split(' '));
  for (const [index, [start]] of ends.slice(1).entries()) expect(start).toBe(ends[index]?.[1]);
  expect(ends[0]?.[0]).toBe('01-01T00');
});

test('a window that would lie over one of an earlier schedule is refused, and names it', async () => {
  await askAhead(() => ledger.ask('run', { pipeline: 'a', window: '2025-01-05' }));
  expect(await ledger.ask('run', { pipeline: 'a', window: '2025-01-05T12:00Z' })).toMatchObject({
    code: 'bad-window',
    error: expect.stringMatching(/lies over window 2025-01-05, which an earlier schedule has cut; run that one/),
  });
});
