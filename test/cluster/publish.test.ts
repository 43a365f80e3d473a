import { expect, test } from 'vitest';
import { manifest } from '../support/ledger.ts';
import { createPublishing, months } from './publishing.ts';

const on = createPublishing();

test('shows runs and pipelines as kubectl prints them', async () => {
  await on.ledger.write({ 'a.yaml': manifest('a', months('2019-02-01')) });
  await on.finish();
  const [header, line] = (await on.table('pipelineruns')) as [string[], string[]];
  expect(header).toEqual(['NAME', 'PIPELINE', 'WINDOW', 'PHASE', 'TRIGGER', 'TASKS', 'STARTED', 'DURATION']);
  expect(line).toEqual([
    ...['a-2019-01', 'a', '2019-01', 'Succeeded', 'schedule', '1/1'],
    expect.stringMatching(/^\d+s$/),
    expect.stringMatching(/^\d+s$/),
  ]);
  const [titles, pipeline] = await on.table('pipelines');
  expect(titles?.slice(0, 4)).toEqual(['NAME', 'SCHEDULE', 'LAST WINDOW', 'LAST PHASE']);
  expect(pipeline?.slice(0, 4)).toEqual(['a', 'every month', '2019-01', 'Succeeded']);
  await on.kubectl('wait', '--for=condition=Ready', 'pipeline/a', 'pipelinerun/a-2019-01', '--timeout=10s');
});

test('writes a run that was queued, ran and ended between two passes once', async () => {
  await on.ledger.write({ 'a.yaml': manifest('a', months('2019-02-01')) });
  await on.finish();
  expect(on.writes('pipelineruns')).toBe(2);
  expect(on.writes('pipelines')).toBe(2);
  await on.pass('publish', 'publish');
  expect(on.writes('pipelineruns')).toBe(2);
});

test('follows a run with one write per change, and tells of one that failed', async () => {
  await on.ledger.write({ 'a.yaml': manifest('a', months('2019-02-01')) });
  await on.ledger.pass('sync', 'schedule');
  await on.pass('publish');
  expect((await on.json('pipelinerun', 'a-2019-01')).status).toMatchObject({
    phase: 'Queued',
    conditions: [
      { type: 'Ready', status: 'Unknown' },
      { type: 'Reconciling', status: 'True' },
    ],
  });
  await on.ledger.round();
  await on.pass('publish');
  expect((await on.json('pipelinerun', 'a-2019-01')).status).toMatchObject({ phase: 'Running' });
  expect(on.writes('pipelineruns')).toBe(3);
  on.ledger.fake.endAll({ reason: 'ExportFailed', message: 'there is no table "t"' });
  await on.ledger.round();
  await on.pass('publish');
  expect(on.writes('pipelineruns')).toBe(4);
  const { status, metadata } = await on.json('pipelinerun', 'a-2019-01');
  expect(status).toMatchObject({
    phase: 'Failed',
    tasks: { text: '0/1' },
    observedGeneration: metadata.generation,
    conditions: [
      { type: 'Ready', status: 'False' },
      { type: 'Stalled', status: 'True' },
    ],
  });
  expect(await on.kubectl('describe', 'pipelinerun', 'a-2019-01')).toMatch(/Events:\s+Type +Reason .*\n.*\n +Warning/);
});

test('keeps the newest runs of a pipeline and removes older ones that have ended', async () => {
  await on.ledger.write({ 'a.yaml': manifest('a', months('2019-08-01')) });
  await on.finish();
  expect(await on.names('pipelineruns')).toEqual(['a-2019-05', 'a-2019-06', 'a-2019-07']);
  expect(on.writes('pipelineruns')).toBe(6);
  await on.ledger.ask('run', { pipeline: 'a', window: '2019-01' });
  await on.pass('publish');
  expect(await on.names('pipelineruns')).toEqual(['a-2019-01-2', 'a-2019-06', 'a-2019-07']);
  expect(await on.ledger.runs()).toHaveLength(8);
});

test('shows of the runs that wait the newest, and each of the others when it runs', async () => {
  await on.ledger.write({ 'a.yaml': manifest('a', months('2019-08-01')) });
  await on.ledger.pass('sync', 'schedule');
  await on.pass('publish');
  expect(await on.names('pipelineruns')).toEqual(['a-2019-05', 'a-2019-06', 'a-2019-07']);
  await on.ledger.round();
  await on.pass('publish');
  expect(await on.names('pipelineruns')).toHaveLength(7);
  await on.finish();
  expect(await on.names('pipelineruns')).toEqual(['a-2019-05', 'a-2019-06', 'a-2019-07']);
});

test('leaves a deleted object of an ended run deleted, also after a restart and when the row is touched', async () => {
  await on.ledger.write({ 'a.yaml': manifest('a', months('2019-03-01')) });
  await on.finish();
  await on.kubectl('delete', 'pipelinerun', 'a-2019-01');
  await on.ledger.query(`update runs set reason = reason`);
  await on.pass('publish');
  on.connect(3);
  await on.pass('publish');
  expect(await on.names('pipelineruns')).toEqual(['a-2019-02']);
});

test('makes the deleted object of a run that goes on anew', async () => {
  await on.ledger.write({ 'a.yaml': manifest('a', months('2019-02-01')) });
  await on.ledger.round();
  await on.pass('publish');
  await on.kubectl('delete', 'pipelinerun', 'a-2019-01');
  on.ledger.fake.endAll('Succeeded');
  await on.ledger.round();
  await on.pass('publish');
  expect((await on.json('pipelinerun', 'a-2019-01')).status.phase).toBe('Succeeded');
});

test('says of a pipeline whose manifest broke that the last good version goes on, and removes a retired one', async () => {
  await on.ledger.write({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b') });
  await on.ledger.pass('sync');
  await on.pass('publish');
  await on.ledger.write({ 'a.yaml': manifest('a', 'wrong: 1\n'), 'b.yaml': null });
  await on.ledger.pass('sync');
  await on.pass('publish');
  expect(await on.names('pipelines')).toEqual(['a']);
  const { status } = await on.json('pipeline', 'a');
  expect(status.conditions).toMatchObject([
    { type: 'Ready', status: 'False', reason: 'ManifestInvalid' },
    { type: 'Stalled', status: 'True', reason: 'ManifestInvalid' },
  ]);
  expect(await on.events('ManifestInvalid')).toHaveLength(1);
});
