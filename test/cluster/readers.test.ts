import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { findBuilt } from '../support/go-build.ts';
import { manifest } from '../support/ledger.ts';
import { createPublishing, months, soon } from './publishing.ts';
import { say } from './support/binaries.ts';
import { firstStart } from './support/control-plane.ts';
import { runProgram } from './support/run-program.ts';

const on = createPublishing();
const placeOf = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** kstatus itself, and the interpreter of Argo CD with our script. */
let program: string;
let scratch: string;
beforeAll(async () => {
  const sources = placeOf('readers');
  const purpose = 'what reads objects as others do';
  const built = await findBuilt({ name: 'readers', sources, purpose, what: 'kstatus and Lua', say });
  program = join(built, 'readers');
  scratch = await mkdtemp(join(tmpdir(), 'pipewright-readers-'));
  const settings = parse(await readFile(placeOf('../../integrations/argocd/health.yaml'), 'utf8'));
  const { 'pipewright.dev/*': ours } = parse(settings.data['resource.customizations']);
  await writeFile(join(scratch, 'health.lua'), ours['health.lua']);
}, firstStart);
afterAll(() => rm(scratch, { recursive: true, force: true }));

/** What they make of all objects of a kind: `name: kstatus, Argo CD's health: its message`. */
async function read(plural: string): Promise<string[]> {
  const input = await on.kubectl('get', plural, '-o', 'json');
  const printed = await runProgram(program, [join(scratch, 'health.lua')], { input });
  const readings = JSON.parse(printed) as { name: string; kstatus: string; health: string; message: string }[];
  return readings.map(({ name, kstatus, health, message }) => `${name}: ${kstatus}, ${health}: ${message}`);
}

test('a run is in progress until it has succeeded or failed, and again when somebody changes its object; so is one that was just made', async () => {
  await on.ledger.write({ 'a.yaml': manifest('a', months('2019-03-01')) });
  await on.ledger.pass('sync', 'schedule');
  await on.pass('publish');
  expect(await read('pipelineruns')).toEqual([
    expect.stringMatching(/^a-2019-01: InProgress, Progressing: /),
    expect.stringMatching(/^a-2019-02: InProgress, Progressing: /),
  ]);
  await on.ledger.round();
  const [first, second] = on.ledger.fake.running();
  on.ledger.fake.end(first as string, 'Succeeded');
  on.ledger.fake.end(second as string, { reason: 'ExportFailed', message: 'there is no table "t"' });
  await on.ledger.round();
  await on.pass('publish');
  expect(await read('pipelineruns')).toEqual([
    'a-2019-01: Current, Healthy: ',
    expect.stringMatching(/^a-2019-02: Failed, Degraded: .*there is no table "t"/),
  ]);
  await on.edit('pipelinerun', 'a-2019-01', { cancel: true });
  expect((await read('pipelineruns'))[0]).toBe('a-2019-01: InProgress, Progressing: waits for the controller');
  await on.create('PipelineRun', 'mine', { pipeline: 'a', window: '2019-01' });
  expect(await read('pipelineruns')).toContain('mine: InProgress, Progressing: waits for the controller');
});

test('a pipeline is ready, suspended, or has failed with the place of what is wrong; and so is its source', async () => {
  await on.ledger.write({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b', 'suspend: true\n') });
  await on.ledger.pass('sync');
  await on.pass('publish');
  expect(await read('pipelines')).toEqual([
    expect.stringMatching(/^a: Current, Healthy: /),
    expect.stringMatching(/^b: Current, Suspended: /),
  ]);
  expect(await read('pipelinesources')).toEqual([expect.stringMatching(/^local: Current, Healthy: /)]);
  await on.ledger.write({ 'a.yaml': manifest('a', 'wrong: 1\n') });
  await on.ledger.pass('sync');
  await on.pass('publish');
  expect((await read('pipelines'))[0]).toMatch(/^a: Failed, Degraded: .*a\.yaml:5:3: /);
  expect(await read('pipelinesources')).toEqual([expect.stringMatching(/^local: Failed, Degraded: .*a\.yaml:5:3: /)]);
});

test('a backfill is in progress until all of its windows have run', async () => {
  const schedule = 'schedule: { every: month, startAt: 2026-01-01, endAt: 2026-01-01T00:00:01Z }\n';
  await on.ledger.write({ 'a.yaml': manifest('a', schedule) });
  await on.ledger.pass('sync');
  await on.create('Backfill', 'mine', { pipeline: 'a', from: '2019-01-01', to: '2019-02-01' });
  expect(await read('backfills')).toEqual(['mine: InProgress, Progressing: waits for the controller']);
  await expect.poll(async () => [await on.pass('receive'), await on.requests()][1], soon).toHaveLength(1);
  await on.ledger.round();
  await on.pass('publish');
  expect(await read('backfills')).toEqual([expect.stringMatching(/^mine: InProgress, Progressing: /)]);
  await on.finish();
  await on.finish();
  expect(await read('backfills')).toEqual([expect.stringMatching(/^mine: Current, Healthy: /)]);
});
