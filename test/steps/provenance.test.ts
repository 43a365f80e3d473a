import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';

let ledger: TestLedger;
beforeEach(async () => {
  ledger = await createTestLedger();
});
afterEach(() => ledger.close());

const scheduled = 'schedule: { every: month, startAt: 2019-01-01, endAt: 2019-02-01, catchUp: all }\n';
const first = manifest('a', scheduled);
const second = first.replace('n: 1', 'n: 2');

/** What each run came from: `revision` as a number in the order of the commits. */
async function origins(): Promise<string[]> {
  const rows = await ledger.query(
    `select r.name || ' ' || r.file || ' of ' || r.revision_id as line from runs r order by r.id`,
  );
  return rows.map((row) => row.line);
}

/** Ends whatever runs, well. */
async function finish(): Promise<void> {
  await ledger.round();
  ledger.fake.endAll('Succeeded');
  await ledger.pass('observe', 'advance');
}

test('a run keeps the revision and the path that it was admitted from, whatever comes after it', async () => {
  await ledger.write({ 'a.yaml': first });
  await ledger.pass('sync', 'schedule', 'admit');
  await ledger.write({ 'a.yaml': null, 'moved.yaml': second });
  await finish();
  await ledger.ask('rerun', { run: 'a-2019-01' });
  await ledger.pass('admit');
  expect(await origins()).toEqual(['a-2019-01 a.yaml of 1', 'a-2019-01-2 moved.yaml of 2']);
});

test('a commit that changes other things is recorded too, and one in which the pipeline is broken is not', async () => {
  for (const files of [
    { 'a.yaml': manifest('a') },
    { 'b.yaml': manifest('b') },
    { 'a.yaml': manifest('a').replace('inline', 'inlined') },
  ]) {
    await ledger.write(files);
    await ledger.pass('sync');
    await ledger.ask('run', { pipeline: 'a' });
    await finish();
  }
  await ledger.ask('run', { pipeline: 'b' });
  await finish();
  expect(await origins()).toEqual(['a-m1 a.yaml of 1', 'a-m2 a.yaml of 2', 'a-m3 a.yaml of 1', 'b-m1 b.yaml of 3']);
});

test('a version that comes back has the commit that brought it back, and keeps what was written at first', async () => {
  for (const text of [first, second, `# again\n${first}`]) {
    await ledger.write({ 'a.yaml': text });
    await ledger.pass('sync');
  }
  await ledger.pass('schedule', 'admit');
  expect(await origins()).toEqual(['a-2019-01 a.yaml of 3']);
  const [{ text }] = await ledger.query(`select manifest -> 0 ->> 'text' as text from versions order by id limit 1`);
  expect(text).toBe(first);
});

test('a rerun of the original version comes from where the run did that it runs again', async () => {
  await ledger.write({ 'a.yaml': first });
  await finish();
  await ledger.write({ 'a.yaml': null, 'moved.yaml': second });
  await ledger.pass('sync');
  await ledger.ask('rerun', { run: 'a-2019-01', version: 'original' });
  await ledger.pass('admit');
  expect(await origins()).toEqual(['a-2019-01 a.yaml of 1', 'a-2019-01-2 a.yaml of 1']);
});
