import { expect, test } from 'vitest';
import { createReads } from '../../controller/store/reads.ts';
import type { BackfillSummary } from '../../schemas/generated/types.ts';
import { manifest } from '../support/ledger.ts';
import { createPublishing, soon } from './publishing.ts';

const on = createPublishing();

/** Monthly, with no window of its own: it begins long after the ranges of these tests. */
const monthly = (more = '') =>
  manifest('a', `schedule: { every: month, startAt: 2026-01-01, endAt: 2026-01-01T00:00:01Z }\n${more}`);
const quarter = { pipeline: 'a', from: '2019-01-01', to: '2019-04-01' };
const year = { ...quarter, to: '2020-01-01' };

const summary = async (name: string): Promise<BackfillSummary | undefined> =>
  (await createReads({ pool: on.ledger.pool }).backfills({ name }))[0];
const status = async (name: string) => (await on.json('backfill', name)).status;
const audit = () =>
  on.ledger.query(`select actor, verb, subject, reason from audit where actor like 'kube%' order by id`);

async function start(spec: object = quarter): Promise<void> {
  await on.ledger.write({ 'a.yaml': monthly() });
  await on.ledger.pass('sync');
  await on.create('Backfill', 'mine', spec);
  await expect.poll(async () => [await on.pass('receive'), await on.requests()][1], soon).toHaveLength(1);
  await on.ledger.round();
  await on.pass('publish');
}

/** Until what a person did with kubectl has arrived. */
const arrives = (what: () => Promise<unknown>) =>
  expect.poll(async () => [await on.pass('receive', 'publish'), await what()][1], soon);

test('makes exactly one backfill of an object, which then shows how far it is', async () => {
  await start({ ...quarter, maxActiveRuns: 2, variables: {} });
  await Promise.all([on.pass('receive'), on.pass('receive')]);
  on.connect(3);
  await on.pass('receive', 'publish');
  expect(await on.requests()).toMatchObject([{ kind: 'backfill', body: { ...quarter, name: 'mine' } }]);
  expect(await status('mine')).toMatchObject({
    backfill: 'mine',
    phase: 'Running',
    windows: { total: 3, done: 0, live: 2, text: '0/3' },
    conditions: [
      { type: 'Ready', status: 'Unknown' },
      { type: 'Reconciling', status: 'True', message: '2 of 3 windows are queued or run, 1 wait for their turn' },
    ],
  });
  for (let month = 0; month < 3; month++) await on.finish();
  await on.finish();
  const [header, line] = (await on.table('backfills')) as [string[], string[]];
  expect(header).toEqual(['NAME', 'PIPELINE', 'FROM', 'TO', 'PHASE', 'DONE', 'FAILED', 'RATE', 'ETA']);
  expect(line.slice(0, 7)).toEqual(['mine', 'a', '2019-01-01', '2019-04-01', 'Succeeded', '3/3', '0']);
  expect(line[7]).toMatch(/^[\d.]+\/(min|h)$/);
  await on.kubectl('wait', '--for=condition=Ready', 'backfill/mine', '--timeout=10s');
});

test('answers one that cannot be granted with the sentence', async () => {
  await start({ ...quarter, pipeline: 'b' });
  await on.pass('receive');
  const message = 'there is no pipeline "b"; did you mean "a"?';
  expect(await status('mine')).toMatchObject({ phase: 'Failed', reason: 'Refused', message });
  expect(await on.events('Refused', 'Backfill')).toEqual([message]);
});

test('acts upon suspend, the limit and the priority, in the name of who changed them', async () => {
  await start({ ...year, maxActiveRuns: 1 });
  await on.edit('backfill', 'mine', { suspend: true, maxActiveRuns: 4 });
  await arrives(() => summary('mine')).toMatchObject({ suspended: true, maxActiveRuns: 4, windows: { live: 1 } });
  await arrives(async () => (await status('mine')).conditions[1].reason).toBe('Suspended');
  await on.edit('backfill', 'mine', { suspend: false, priority: 7 });
  await arrives(() => summary('mine')).toMatchObject({ suspended: false, priority: 7 });
  await on.ledger.round();
  expect(await summary('mine')).toMatchObject({ windows: { live: 4 } });
  await on.edit('backfill', 'mine', { maxActiveRuns: null });
  await arrives(() => summary('mine')).toMatchObject({ maxActiveRuns: null, priority: 7 });
  expect(await audit()).toEqual([
    { actor: 'kubernetes:kubectl-create', verb: 'backfill', subject: 'mine', reason: null },
    ...[1, 2, 3].map(() => ({
      actor: 'kubernetes:kubectl-patch',
      verb: 'changeBackfill',
      subject: 'mine',
      reason: null,
    })),
  ]);
  const settled = async () => {
    const { metadata, status: shown } = await on.json('backfill', 'mine');
    return metadata.generation === shown.observedGeneration;
  };
  await arrives(settled).toBe(true);
});

test('shows what was changed elsewhere, and takes it for nobody’s wish', async () => {
  await start({ ...year, maxActiveRuns: 1 });
  await on.ledger.ask('changeBackfill', { backfill: 'mine', maxActiveRuns: 3, suspended: true });
  await on.pass('publish');
  await arrives(async () => (await on.json('backfill', 'mine')).spec).toMatchObject({
    maxActiveRuns: 3,
    suspend: true,
  });
  await on.edit('backfill', 'mine', { suspend: false });
  await arrives(() => summary('mine')).toMatchObject({ suspended: false, maxActiveRuns: 3 });
});

test('ends a backfill whose object says so, or is deleted, also while nobody looks; what runs goes on', async () => {
  await start({ ...year, maxActiveRuns: 2 });
  await on.edit('backfill', 'mine', { cancel: true });
  await arrives(() => status('mine')).toMatchObject({ phase: 'Cancelled', reason: 'CancelledByRequest' });
  await on.create('Backfill', 'other', { ...year, maxActiveRuns: 2 });
  await arrives(on.requests).toHaveLength(2);
  await on.ledger.round();
  await on.pass('publish');
  await on.kubectl('delete', 'backfill', 'other');
  on.connect(3);
  await arrives(() => summary('other')).toMatchObject({ phase: 'Cancelled', reason: 'BackfillRemoved' });
  await on.finish();
  await on.finish();
  expect((await on.ledger.runs()).every((line) => line.endsWith('Succeeded'))).toBe(true);
  expect(await on.names('backfills')).toEqual(['mine']);
  expect((await audit()).slice(-1)).toEqual([
    { actor: 'kubernetes', verb: 'changeBackfill', subject: 'other', reason: 'BackfillRemoved' },
  ]);
});

test('shows backfills that were made otherwise, acts upon their objects too, and keeps the newest', async () => {
  const declared = `apiVersion: pipewright.dev/v1alpha1\nkind: Backfill\nmetadata: { name: reload }\nspec: { pipeline: a, from: 2019-01-01, to: 2019-03-01 }\n`;
  await on.ledger.write({ 'a.yaml': monthly('maxActiveRuns: 20\n'), 'reload.yaml': declared });
  await on.ledger.round();
  await on.ledger.ask('backfill', { ...year, rerun: 'failed', priority: 3 });
  await on.pass('publish');
  expect(await on.names('backfills')).toEqual(['a-b2', 'reload']);
  expect((await on.json('backfill', 'a-b2')).spec).toEqual({
    ...{ pipeline: 'a', from: '2019-01-01T00:00:00Z', to: '2020-01-01T00:00:00Z' },
    ...{ rerun: 'failed', order: 'oldest', version: 'head', suspend: false, priority: 3 },
  });
  await on.edit('backfill', 'a-b2', { suspend: true });
  await arrives(() => summary('a-b2')).toMatchObject({ suspended: true });
  await arrives(() => on.names('backfills')).toHaveLength(2);
  await on.kubectl('delete', 'backfill', 'a-b2');
  await arrives(() => summary('a-b2')).toMatchObject({ phase: 'Cancelled', reason: 'BackfillRemoved' });
  on.ledger.fake.endAll('Succeeded');
  for (const from of ['2011', '2012', '2013']) {
    await on.ledger.ask('backfill', { pipeline: 'a', from: `${from}-01`, to: `${from}-02` });
    await on.finish();
    await on.finish();
  }
  await arrives(() => on.names('backfills')).toEqual(['a-b3', 'a-b4', 'a-b5']);
});

test('writes a backfill once for all that happened between two looks', async () => {
  await start({ ...year, maxActiveRuns: 12 });
  expect(on.writes('backfills')).toBe(2);
  on.ledger.fake.endAll('Succeeded');
  await on.ledger.round();
  await on.ledger.round();
  await on.pass('publish');
  expect(await status('mine')).toMatchObject({ phase: 'Succeeded', windows: { text: '12/12' } });
  expect(on.writes('backfills')).toBe(3);
  await on.pass('publish', 'receive', 'publish');
  expect(on.writes('backfills')).toBe(3);
  await on.kubectl('delete', 'backfill', 'mine');
  await on.ledger.query('update backfills set suspended = suspended');
  await on.pass('publish');
  expect(await on.names('backfills')).toEqual([]);
});

test('goes on without its object, which is gone, when it is given another turn', async () => {
  await start({ ...quarter, maxActiveRuns: 3 });
  on.ledger.fake.endAll({ reason: 'LoadFailed' });
  await on.ledger.round();
  await on.ledger.round();
  await on.pass('publish');
  expect(await status('mine')).toMatchObject({ phase: 'Failed', reason: 'WindowsFailed', windows: { failed: 3 } });
  expect(await on.events('WindowsFailed', 'Backfill')).toEqual([
    '3 of 3 windows did not succeed; `pipewright backfills mine --retry` gives them another turn',
  ]);
  await on.kubectl('delete', 'backfill', 'mine');
  on.connect(3);
  await on.pass('receive');
  await on.ledger.ask('changeBackfill', { backfill: 'mine', retry: true });
  await on.pass('receive', 'publish', 'receive');
  await on.finish();
  expect(await summary('mine')).toMatchObject({ phase: 'Running', windows: { succeeded: 3 } });
  expect(await on.names('backfills')).toEqual([]);
});
