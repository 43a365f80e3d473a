import { afterEach, beforeEach, expect, test } from 'vitest';
import { appendLog, closeLog, endLogSource, readLog, readLogStates } from '../../controller/store/logs.ts';
import type { AttemptKey } from '../../controller/store/reports.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';

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

const piece = (at: number, text: string, place = 1) => ({
  at,
  source: 'pod/runner',
  text,
  mark: { time: 't1', place },
});
const append = (at: number, text: string, place?: number) => appendLog(ledger.pool, key, piece(at, text, place));
const state = async () => (await readLogStates(ledger.pool, [key]))[0];
const text = async () => {
  const parts: string[] = [];
  for await (const kept of readLog(ledger.pool, key)) parts.push('text' in kept ? kept.text : `(${kept.droppedBytes})`);
  return parts.join('');
};

test('a log is read as it was added, and its state says how far it has come', async () => {
  expect(await state()).toMatchObject({ settled: false, size: 0, source: null, mark: null, closed: false });
  expect(await text()).toBe('');
  expect(await append(0, 't1 héllo\n')).toBe(10);
  expect(await append(10, 't1 two\n', 2)).toBe(17);
  expect(await text()).toBe('t1 héllo\nt1 two\n');
  expect(await state()).toMatchObject({ size: 17, source: 'pod/runner', mark: { time: 't1', place: 2 } });
});

test('of two who add the same lines, one adds them', async () => {
  expect((await Promise.all([append(0, 't1 a\n'), append(0, 't1 a\n')])).sort()).toEqual([5, null]);
  expect((await Promise.all([append(5, 't1 b\n'), append(5, 't1 b\n')])).sort()).toEqual([10, null]);
  expect(await text()).toBe('t1 a\nt1 b\n');
});

test('whoever saw another size than there is adds nothing, and ends no source', async () => {
  expect(await append(5, 't1 a\n')).toBeNull();
  await append(0, 't1 a\n');
  expect(await append(4, 't1 b\n')).toBeNull();
  expect(await endLogSource(ledger.pool, key, { at: 0, source: 'pod/runner' })).toBe(false);
  expect(await text()).toBe('t1 a\n');
  expect((await state())?.endedSources).toEqual([]);
});

test('a source that has ended is remembered, and the next one begins without a mark', async () => {
  await append(0, 't1 a\n');
  expect(await endLogSource(ledger.pool, key, { at: 5, source: 'pod/runner' })).toBe(true);
  expect(await state()).toMatchObject({ endedSources: ['pod/runner'], source: null, mark: null, size: 5 });
});

test('a source without a line ends as well', async () => {
  expect(await endLogSource(ledger.pool, key, { at: 0, source: 'pod/runner' })).toBe(true);
  expect(await append(0, 't1 a\n')).toBe(5);
  expect(await state()).toMatchObject({ endedSources: ['pod/runner'], size: 5 });
});

test('nothing is added to a closed log', async () => {
  await append(0, 't1 a\n');
  await closeLog(ledger.pool, key, { incomplete: true });
  await closeLog(ledger.pool, key, { incomplete: false });
  expect(await append(5, 't1 b\n')).toBeNull();
  expect(await state()).toMatchObject({ closed: true, incomplete: true });
  expect(await text()).toBe('t1 a\n');
});

test('of a long log the first and the last part are kept, and how much lies between them is known', async () => {
  const mebibyte = 1024 * 1024;
  for (let i = 0; i < 14; i++) {
    const line = `t1 ${String(i).padStart(2, '0')}`.padEnd(mebibyte - 1, '.');
    expect(await append(i * mebibyte, `${line}\n`)).toBe((i + 1) * mebibyte);
  }
  const kept = (await text()).match(/t1 \d\d|\(\d+\)/g);
  expect(kept).toEqual([
    ...['t1 00', 't1 01', 't1 02', 't1 03', 't1 04', `(${4 * mebibyte})`],
    ...['t1 09', 't1 10', 't1 11', 't1 12', 't1 13'],
  ]);
  const [{ bytes }] = await ledger.query('select sum(length(content))::int as bytes from log_chunks');
  expect(bytes).toBeLessThan(mebibyte);
});

test('a log of many pieces is read whole', async () => {
  const lines = Array.from({ length: 50 }, (_, i) => `t1 ${i}\n`);
  let size: number | null = 0;
  for (const line of lines) size = await append(size ?? 0, line);
  expect(await text()).toBe(lines.join(''));
});

test('only attempts of the ledger have a state', async () => {
  expect(await readLogStates(ledger.pool, [])).toEqual([]);
  expect(await readLogStates(ledger.pool, [{ ...key, number: 99 }])).toEqual([]);
});
