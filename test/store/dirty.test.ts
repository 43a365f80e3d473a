import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  type DirtyMark,
  forget,
  markAgain,
  markLive,
  markNamed,
  type Rest,
  takeDirty,
} from '../../controller/store/dirty.ts';
import { transaction } from '../../controller/store/pool.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';

let ledger: TestLedger;
beforeEach(async () => {
  ledger = await createTestLedger({ publishes: true });
});
afterEach(() => ledger.close());

const quarter = `schedule: { every: month, startAt: 2019-01-01, endAt: 2019-04-01, catchUp: all }
maxActiveRuns: 2
`;
const rest: Rest = { run: {}, pipeline: {} };
const take = (limit = 100) => takeDirty(ledger.pool, { limit, rest });
const drop = (marks: readonly DirtyMark[]) => transaction(ledger.pool, (db) => forget(db, marks));
const kinds = (marks: readonly DirtyMark[]) => marks.map(({ kind }) => kind).sort();

test('marks are one per row, which names every change of it', async () => {
  await ledger.write({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b') });
  await ledger.pass('sync');
  const before = await take();
  expect(kinds(before)).toEqual(['pipeline', 'pipeline', 'source']);
  await ledger.query(`update pipelines set ready = ready where name = 'a'`);
  const after = await take();
  expect(kinds(after)).toEqual(kinds(before));
  expect(after.flatMap(({ versions }) => versions)).toHaveLength(before.flatMap(({ versions }) => versions).length + 1);
  expect(after.map(({ markedAt }) => markedAt)).toEqual(expect.arrayContaining([before[0]?.markedAt]));
  expect(await take(1)).toHaveLength(1);
});

test('marks of a row that changed after it was taken stay', async () => {
  await ledger.write({ 'a.yaml': manifest('a') });
  await ledger.pass('sync');
  const taken = await take();
  await ledger.query('update pipelines set suspended = true');
  await drop(taken);
  expect(kinds(await take())).toEqual(['pipeline']);
  await drop(await take());
  expect(await take()).toEqual([]);
});

test('marks of a row that is changing at this moment stay, and keep nobody waiting', async () => {
  await ledger.write({ 'a.yaml': manifest('a') });
  await ledger.pass('sync');
  const taken = await take();
  await transaction(ledger.pool, async (db) => {
    await db.query('update pipelines set suspended = true');
    await drop(taken);
  });
  expect(kinds(await take())).toEqual(['pipeline']);
});

test('marks of a change that was made earlier than another and commits later stay', async () => {
  await ledger.write({ 'a.yaml': manifest('a') });
  await ledger.pass('sync');
  await drop(await take());
  const [{ id } = { id: 0 }] = await ledger.query('select id from pipelines');
  const taken = await transaction(ledger.pool, async (db) => {
    await db.query(`select mark_dirty('pipeline', $1)`, [id]);
    await ledger.query(`select mark_dirty('pipeline', $1)`, [id]);
    return take();
  });
  await drop(taken);
  expect(kinds(await take())).toEqual(['pipeline']);
});

test('marks rest for a while, from the first change on, so that later ones travel with it', async () => {
  await ledger.write({ 'a.yaml': manifest('a') });
  await ledger.pass('sync');
  const resting: Rest = { ...rest, pipeline: { soon: 60_000 } };
  const rested = () => takeDirty(ledger.pool, { limit: 10, rest: resting });
  expect(kinds(await rested())).toEqual(['source']);
  await ledger.query(`update dirty set marked_at = now() - interval '2 minutes'`);
  await ledger.query('update pipelines set suspended = true');
  const all = await rested();
  expect(kinds(all)).toEqual(['pipeline', 'source']);
  await drop(all);
  expect(await take()).toEqual([]);
});

test('marks of before the clock was set back are taken at once', async () => {
  await ledger.write({ 'a.yaml': manifest('a') });
  await ledger.pass('sync');
  await ledger.query(`update dirty set marked_at = now() + interval '40 minutes'`);
  expect(kinds(await take())).toEqual(['pipeline', 'source']);
});

test('marks of a run that goes on wait for its end, and keep no other row waiting', async () => {
  await ledger.write({ 'a.yaml': manifest('a', quarter), 'b.yaml': manifest('b', quarter) });
  await ledger.pass('sync');
  await drop(await take());
  const patient = { soon: 60_000, later: 60_000, last: 60_000 };
  const ended = () => takeDirty(ledger.pool, { limit: 1, rest: { run: patient, pipeline: patient } });
  await ledger.round();
  expect(await ended()).toEqual([]);
  ledger.fake.end(ledger.fake.running().at(-1) as string, 'Succeeded');
  await ledger.round();
  const [settled] = await ledger.query(`select id from runs where phase = 'Succeeded'`);
  expect(await ended()).toMatchObject([{ kind: 'run', id: settled?.id }]);
});

test('marks tell a run that was asked for or is held up from one that takes its way', async () => {
  await ledger.write({ 'a.yaml': manifest('a', quarter) });
  await ledger.pass('sync');
  const paces = async () => {
    const rows = await ledger.query('delete from dirty returning kind, pace');
    return [...new Set(rows.flatMap(({ kind, pace }) => (kind === 'run' ? [pace] : [])))].sort();
  };
  await paces();
  await ledger.pass('schedule');
  expect(await paces()).toEqual(['later']);
  await ledger.pass('admit');
  expect(await paces()).toEqual(['later']);
  await ledger.pass('advance', 'launch');
  expect(await paces()).toEqual(['last']);
  await ledger.query(`update attempts set place = '{"job": "a"}'`);
  expect(await paces()).toEqual(['last']);
  await ledger.query(`update attempts set place = '{"job": "a", "node": "n1"}'`);
  expect(await paces()).toEqual(['soon']);
  await ledger.query(`update runs set queued_at = now() - interval '11 seconds'`);
  await ledger.query(`update attempts set place = '{"job": "a", "node": "n3"}'`);
  expect(await paces()).toEqual(['last']);
  await ledger.query(
    `update attempts set place = '{"job": "a", "pending": {"reason": "Unschedulable", "message": "full"}}'`,
  );
  expect(await paces()).toEqual(['soon']);
  await ledger.query(`update attempts set place = '{"job": "a"}'`);
  await ledger.query('update runs set queued_at = now()');
  await ledger.query(
    'insert into attempts select (jsonb_populate_record(a, \'{"number": 2, "phase": "Lost", "finished_at": "2026-01-01"}\')).* from attempts a',
  );
  await paces();
  await ledger.query(`update attempts set place = '{"job": "a", "node": "n2"}'`);
  expect(await paces()).toEqual(['last']);
  await ledger.ask('run', { pipeline: 'a', window: '2018-01' });
  expect(await paces()).toEqual(['soon']);
});

test('marks can be set again, for names that there are, and for all that lives', async () => {
  await ledger.write({ 'a.yaml': manifest('a', quarter) });
  await ledger.round();
  const marks = await take();
  await drop(marks);
  await markAgain(ledger.pool, marks);
  expect(kinds(await take())).toEqual(kinds(marks));
  await drop(await take());
  await markNamed(ledger.pool, 'pipeline', ['a', 'nobody']);
  expect(kinds(await take())).toEqual(['pipeline']);
  await markNamed(ledger.pool, 'source', ['local', 'nobody']);
  expect(kinds(await take())).toEqual(['pipeline', 'source']);
  ledger.fake.endAll('Succeeded');
  await ledger.round();
  await drop(await take());
  await markLive(ledger.pool);
  expect(kinds(await take())).toEqual(['pipeline', 'run', 'source']);
});
