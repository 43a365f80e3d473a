import { expect, test } from 'vitest';
import { manifest } from '../support/ledger.ts';
import { createPublishing, months, soon } from './publishing.ts';

const on = createPublishing();

test('makes exactly one request of a PipelineRun, which then shows the run', async () => {
  await on.ledger.write({ 'a.yaml': manifest('a', 'variables: { limit: { type: integer, default: 3 } }\n') });
  await on.ledger.pass('sync');
  await on.create('PipelineRun', 'mine', { pipeline: 'a', variables: { limit: '7' } });
  await expect.poll(async () => [await on.pass('receive'), await on.requests()][1], soon).toHaveLength(1);
  await Promise.all([on.pass('receive'), on.pass('receive')]);
  on.connect(3);
  await on.pass('receive');
  expect(await on.requests()).toMatchObject([
    {
      kind: 'run',
      body: { pipeline: 'a', variables: { limit: '7' } },
      origin: { name: 'mine', namespace: on.namespace },
    },
  ]);
  await on.ledger.pass('intake');
  await on.finish();
  expect(await on.names('pipelineruns')).toEqual(['mine']);
  const { status, metadata } = await on.json('pipelinerun', 'mine');
  expect(status).toMatchObject({ run: 'a-m1', phase: 'Succeeded', trigger: 'manual' });
  expect(metadata.labels).toMatchObject({ 'pipewright.dev/run': 'a-m1', 'pipewright.dev/pipeline': 'a' });
  await on.kubectl('delete', 'pipelinerun', 'mine');
  await on.ledger.query('update runs set reason = reason');
  await on.pass('publish');
  expect(await on.names('pipelineruns')).toEqual([]);
});

test('answers one that cannot be granted with the sentence', async () => {
  await on.ledger.write({ 'a.yaml': manifest('trips') });
  await on.ledger.pass('sync');
  await on.create('PipelineRun', 'mine', { pipeline: 'trip' });
  await expect.poll(async () => [await on.pass('receive'), await on.requests()][1], soon).toHaveLength(1);
  await on.ledger.pass('intake');
  await on.pass('receive');
  expect((await on.json('pipelinerun', 'mine')).status).toMatchObject({
    phase: 'Failed',
    reason: 'Refused',
    message: 'there is no pipeline "trip"; did you mean "trips"?',
  });
  expect(await on.events('Refused', 'PipelineRun')).toEqual(['there is no pipeline "trip"; did you mean "trips"?']);
});

test('cancels a run whose object says so, and runs an ended one again', async () => {
  await on.ledger.write({ 'a.yaml': manifest('a', months('2019-02-01')) });
  await on.ledger.round();
  await on.pass('publish');
  await on.edit('pipelinerun', 'a-2019-01', { cancel: true });
  await expect.poll(async () => [await on.pass('receive'), await on.requests()][1], soon).toHaveLength(1);
  await on.ledger.pass('intake', 'advance', 'launch');
  for (const id of on.ledger.fake.running()) on.ledger.fake.end(id, 'gone');
  await on.ledger.round();
  await on.pass('publish');
  const { status, metadata } = await on.json('pipelinerun', 'a-2019-01');
  expect(status).toMatchObject({ phase: 'Cancelled', reason: 'CancelledByRequest' });
  expect(status.observedGeneration).toBe(metadata.generation);
  await on.create('PipelineRun', 'again', { pipeline: 'a', rerunOf: 'a-2019-01' });
  await expect.poll(async () => [await on.pass('receive'), await on.requests()][1], soon).toHaveLength(2);
  await on.ledger.pass('intake');
  await on.finish();
  expect((await on.json('pipelinerun', 'again')).status).toMatchObject({ run: 'a-2019-01-2', phase: 'Succeeded' });
});

test('puts back what was changed of a pipeline, and names the fields in an Event', async () => {
  await on.ledger.write({ 'a.yaml': manifest('a', months('2019-02-01', 'description: Trips\n')) });
  await on.ledger.pass('sync');
  await on.pass('publish');
  const { spec } = await on.json('pipeline', 'a');
  await on.edit('pipeline', 'a', { maxActiveRuns: 7, timeout: '5m', schedule: { delay: '3h' } });
  await expect
    .poll(async () => [await on.pass('receive', 'publish'), (await on.json('pipeline', 'a')).spec][1], soon)
    .toEqual(spec);
  expect(await on.events('DriftCorrected')).toEqual([
    "spec.maxActiveRuns, spec.schedule, spec.timeout, changed by kubectl-patch, put back: they belong to the pipeline's source; change the manifest there",
  ]);
  const settled = async () => {
    await on.pass('receive', 'publish');
    const { metadata, status } = await on.json('pipeline', 'a');
    return metadata.generation === status.observedGeneration;
  };
  await expect.poll(settled, soon).toBe(true);
});

test('takes spec.suspend over, with who it was', async () => {
  await on.ledger.write({ 'a.yaml': manifest('a', months('2019-02-01')) });
  await on.ledger.pass('sync');
  await on.pass('publish');
  const suspended = async () => {
    await on.pass('receive', 'publish');
    return (await on.ledger.query('select suspended from pipelines'))[0].suspended;
  };
  await on.edit('pipeline', 'a', { suspend: true });
  await expect.poll(suspended, soon).toBe(true);
  await on.ledger.round();
  expect(await on.ledger.runs()).toEqual([]);
  await on.edit('pipeline', 'a', { suspend: false });
  await expect.poll(suspended, soon).toBe(false);
  expect(await on.ledger.query(`select actor, verb, subject from audit where actor <> 'sync' order by id`)).toEqual([
    { actor: 'kubernetes:kubectl-patch', verb: 'suspend', subject: 'a' },
    { actor: 'kubernetes:kubectl-patch', verb: 'resume', subject: 'a' },
  ]);
  expect(await on.events('DriftCorrected')).toEqual([]);
  expect(await on.events('Suspended')).toEqual(['the schedule was stopped by kubectl-patch']);
  expect(await on.events('Resumed')).toEqual(['the schedule was started by kubectl-patch']);
});

test('puts spec.suspend back where the manifest sets it', async () => {
  await on.ledger.write({ 'a.yaml': manifest('a', months('2019-02-01', 'suspend: false\n')) });
  await on.ledger.pass('sync');
  await on.pass('publish');
  await on.edit('pipeline', 'a', { suspend: true });
  const suspend = async () => {
    await on.pass('receive', 'publish');
    return [(await on.json('pipeline', 'a')).spec.suspend, await on.events('DriftCorrected')];
  };
  await expect
    .poll(suspend, soon)
    .toEqual([
      false,
      [
        "spec.suspend, changed by kubectl-patch, put back: it belongs to the pipeline's source; change the manifest there",
      ],
    ]);
  expect(await on.ledger.query('select suspended from pipelines')).toEqual([{ suspended: false }]);
  expect(await on.events('Suspended')).toEqual([]);
});

test('makes a deleted pipeline anew, and says of one without manifest that it does nothing', async () => {
  await on.ledger.write({ 'a.yaml': manifest('a') });
  await on.ledger.pass('sync');
  await on.pass('publish');
  const { spec } = await on.json('pipeline', 'a');
  await on.create('Pipeline', 'stray', spec);
  const message = async () => {
    await on.pass('receive');
    return (await on.json('pipeline', 'stray')).status?.conditions?.[0].message;
  };
  await expect.poll(message, soon).toContain('no source has a pipeline "stray"');
  await on.kubectl('delete', 'pipeline', 'a');
  await expect
    .poll(async () => [await on.pass('receive', 'publish'), await on.names('pipelines')][1], soon)
    .toContain('a');
});
