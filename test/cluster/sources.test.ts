import { expect, test } from 'vitest';
import { manifest } from '../support/ledger.ts';
import { createPublishing, soon } from './publishing.ts';

const on = createPublishing();

test('shows the folder with the manifests as a PipelineSource, as kubectl prints it', async () => {
  await on.ledger.write({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b') });
  await on.ledger.pass('sync');
  await on.pass('publish');
  expect((await on.json('pipelinesource', 'local')).spec).toEqual({ folder: { path: on.ledger.dir } });
  const [header, line] = (await on.table('pipelinesources')) as [string[], string[]];
  expect(header).toEqual(['NAME', 'REVISION', 'PIPELINES', 'PROBLEMS', 'SYNCED', 'READY']);
  expect(line).toEqual(['local', expect.stringMatching(/^[0-9a-f]{12}$/), '2', '0', expect.any(String), 'True']);
  await on.kubectl('wait', '--for=condition=Ready', 'pipelinesource/local', '--timeout=10s');
  await on.pass('publish', 'publish');
  expect(on.writes('pipelinesources')).toBe(2);
});

test('says of a source with a broken manifest what is wrong and where, and tells it once', async () => {
  await on.ledger.write({ 'a.yaml': manifest('a', 'wrong: 1\n'), 'b.yaml': manifest('b') });
  await on.ledger.pass('sync');
  await on.pass('publish');
  const { status, metadata } = await on.json('pipelinesource', 'local');
  expect(status).toMatchObject({
    pipelines: 1,
    problemCount: 1,
    problems: [{ file: 'a.yaml', line: 5, column: 3, code: 'unknown-field', pipeline: 'a' }],
    conditions: [
      {
        type: 'Ready',
        status: 'False',
        reason: 'ManifestInvalid',
        message: expect.stringMatching(/^1 problem: a\.yaml:5:3: /),
      },
      { type: 'Stalled', status: 'True' },
    ],
    observedGeneration: metadata.generation,
  });
  expect(await on.events('ManifestInvalid', 'PipelineSource')).toEqual([status.conditions[0].message]);
  await on.ledger.write({ 'a.yaml': manifest('a') });
  await on.ledger.pass('sync');
  await on.pass('publish');
  expect((await on.json('pipelinesource', 'local')).status.conditions).toMatchObject([
    { type: 'Ready', status: 'True' },
  ]);
  expect(await on.events('Synced', 'PipelineSource')).toHaveLength(1);
});

test('puts back what was changed of a source, makes a deleted one anew, and says of another that it does nothing', async () => {
  await on.ledger.write({ 'a.yaml': manifest('a') });
  await on.ledger.pass('sync');
  await on.pass('publish');
  const { spec } = await on.json('pipelinesource', 'local');
  await on.edit('pipelinesource', 'local', { folder: { path: '/elsewhere' }, suspend: true });
  const current = async () => {
    await on.pass('receive', 'publish');
    const { metadata, ...resource } = await on.json('pipelinesource', 'local');
    return [resource.spec, resource.status.observedGeneration === metadata.generation];
  };
  await expect.poll(current, soon).toEqual([spec, true]);
  expect(await on.events('DriftCorrected', 'PipelineSource')).toEqual([
    "spec.folder, spec.suspend, changed by kubectl-patch, put back: they belong to the controller's own settings; change them there",
  ]);
  await on.kubectl('delete', 'pipelinesource', 'local');
  await expect
    .poll(async () => [await on.pass('receive', 'publish'), await on.names('pipelinesources')][1], soon)
    .toEqual(['local']);
});

test('says of an object that declares a source that it is being read, and leaves its spec alone', async () => {
  const spec = { git: { url: 'https://git.test/trips.git' } };
  await on.create('PipelineSource', 'trips', spec);
  const current = async () => {
    await on.pass('receive', 'publish');
    const { status, ...resource } = await on.json('pipelinesource', 'trips');
    return [resource.spec, status?.conditions];
  };
  const reading = [
    {
      type: 'Ready',
      status: 'Unknown',
      reason: 'Syncing',
      message: expect.stringContaining('nothing has been read yet'),
    },
    { type: 'Reconciling', status: 'True' },
  ];
  await expect.poll(current, soon).toMatchObject([spec, reading]);
  expect(await on.events('Syncing', 'PipelineSource')).toEqual([]);
});

test('removes the object that showed a folder of an earlier start, and no copy that a person made of it', async () => {
  await on.ledger.write({ 'a.yaml': manifest('a') });
  await on.ledger.pass('sync');
  await on.pass('publish');
  const { metadata, spec } = await on.json('pipelinesource', 'local');
  expect(metadata.labels).toEqual({ 'app.kubernetes.io/managed-by': 'pipewright' });
  await on.create('PipelineSource', 'copy', spec);
  on.connect(3, []);
  const names = async () => {
    await on.pass('receive', 'publish');
    return on.names('pipelinesources');
  };
  await expect.poll(names, soon).toEqual(['copy']);
  await expect
    .poll(async () => [await names(), (await on.json('pipelinesource', 'copy')).status?.conditions][1], soon)
    .toMatchObject([
      { type: 'Ready', status: 'False', reason: 'NotConfigured', message: expect.stringContaining(on.ledger.dir) },
      { type: 'Stalled', status: 'True' },
    ]);
});
