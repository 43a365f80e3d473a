import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createKubernetes, type Kubernetes } from '../../controller/kubernetes/client.ts';
import { createPublisher } from '../../controller/publish/publisher.ts';
import { createClusterView } from '../../controller/publish/view.ts';
import { createBlocks } from '../../controller/steps/pipeline-blocks.ts';
import { createPublish } from '../../controller/steps/publish.ts';
import { createReceive } from '../../controller/steps/receive.ts';
import type { Step } from '../../controller/steps/step.ts';
import { createLeader } from '../../controller/store/leaders.ts';
import { resourceApiVersion } from '../../schemas/resource-kinds.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';
import { installDefinitions } from './custom-resources.ts';
import { type ControlPlane, firstStart, startControlPlane } from './support/control-plane.ts';

const log = pino({ level: 'silent' });
const soon = { interval: 50, timeout: 30_000 };
const months = (end: string, more = '') =>
  `schedule: { every: month, startAt: 2019-01-01, endAt: ${end}, catchUp: all }\nmaxActiveRuns: 50\n${more}`;

let plane: ControlPlane;
let ledger: TestLedger;
let kubernetes: Kubernetes;
let namespace: string;
let count = 0;
let stop: AbortController;
let publish: Step;
let receive: Step;
let ended: Promise<unknown>;

beforeAll(async () => {
  plane = await startControlPlane();
  await installDefinitions(plane);
}, firstStart);
afterAll(() => plane?.stop());

beforeEach(async () => {
  namespace = `publish-${++count}`;
  await plane.kubectl(['create', 'namespace', namespace]);
  ledger = await createTestLedger({ publishes: true, capacity: 1000 });
  kubernetes = createKubernetes({ kubeconfig: plane.kubeconfig, log, qps: 1_000, burst: 1_000 });
  stop = new AbortController();
  connect(3);
});
afterEach(async () => {
  stop.abort();
  await ended;
  await ledger.close();
});

/** A replica: its steps, its memory, its watches. */
function connect(history: number): void {
  const { pool } = ledger;
  const blocks = createBlocks({ pool });
  const wake = () => {};
  const publisher = createPublisher({ kubernetes, namespace, history, blocks, log });
  const view = createClusterView({ kubernetes, namespace, signal: stop.signal, onChange: wake });
  const leader = createLeader({ pool, name: 'publish', holder: 'test', forMs: 60_000 });
  publish = createPublish({ pool, leader, publisher, history, rest: { run: 0, pipeline: 0 } });
  receive = createReceive({ pool, leader, kubernetes, view, publisher, blocks, wake, log });
  ended = view.ended;
}

async function pass(...steps: Step[]): Promise<void> {
  for (const step of steps) while ((await step.pass(stop.signal)).kind === 'again');
}

/** The way of the data until every run has ended, then what it shows. */
async function finish(): Promise<void> {
  await ledger.round();
  ledger.fake.endAll('Succeeded');
  await ledger.round();
  await pass(publish);
}

const kubectl = (...args: string[]) => plane.kubectl(['--namespace', namespace, ...args]);
const names = async (plural: string) => {
  const printed = await kubectl('get', plural, '-o', 'name');
  return printed.split('\n').flatMap((line) => (line ? [line.split('/')[1] as string] : []));
};
async function table(...args: string[]): Promise<string[][]> {
  const lines = (await kubectl('get', ...args)).trimEnd().split('\n');
  return lines.map((line) => line.trimEnd().split(/ {2,}/));
}
const json = async (...args: string[]) => JSON.parse(await kubectl('get', ...args, '-o', 'json'));
const edit = (plural: string, name: string, spec: object) =>
  kubectl('patch', plural, name, '--type=merge', '-p', JSON.stringify({ spec }));
const ask = (name: string, spec: object) =>
  plane.kubectl(
    ['create', '-f', '-'],
    JSON.stringify({ apiVersion: resourceApiVersion, kind: 'PipelineRun', metadata: { name, namespace }, spec }),
  );
const requests = () => ledger.query('select kind, body, actor, origin from requests order by id');
async function events(reason: string): Promise<string[]> {
  const { items } = await json('events', `--field-selector=reason=${reason}`);
  return items.map((event: { message: string }) => event.message);
}
/** Writes to objects of a kind so far. */
const writes = (plural: string) =>
  kubernetes
    .calls()
    .filter(({ verb, resource }) => ['apply', 'patch', 'create'].includes(verb) && resource.startsWith(plural))
    .reduce((sum, { count }) => sum + count, 0);

describe('publish', () => {
  test('shows runs and pipelines as kubectl prints them', async () => {
    await ledger.write({ 'a.yaml': manifest('a', months('2019-02-01')) });
    await finish();
    const [header, line] = (await table('pipelineruns')) as [string[], string[]];
    expect(header).toEqual(['NAME', 'PIPELINE', 'WINDOW', 'PHASE', 'TRIGGER', 'TASKS', 'STARTED', 'DURATION']);
    expect(line).toEqual([
      ...['a-2019-01', 'a', '2019-01', 'Succeeded', 'schedule', '1/1'],
      expect.stringMatching(/^\d+s$/),
      expect.stringMatching(/^\d+s$/),
    ]);
    const [titles, pipeline] = await table('pipelines');
    expect(titles?.slice(0, 4)).toEqual(['NAME', 'SCHEDULE', 'LAST WINDOW', 'LAST PHASE']);
    expect(pipeline?.slice(0, 4)).toEqual(['a', 'every month', '2019-01', 'Succeeded']);
    await kubectl('wait', '--for=condition=Ready', 'pipeline/a', 'pipelinerun/a-2019-01', '--timeout=10s');
  });

  test('writes a run that was queued, ran and ended between two passes once', async () => {
    await ledger.write({ 'a.yaml': manifest('a', months('2019-02-01')) });
    await finish();
    expect(writes('pipelineruns')).toBe(2);
    expect(writes('pipelines')).toBe(2);
    await pass(publish, publish);
    expect(writes('pipelineruns')).toBe(2);
  });

  test('follows a run with one write per change, and tells of one that failed', async () => {
    await ledger.write({ 'a.yaml': manifest('a', months('2019-02-01')) });
    await ledger.pass('sync', 'schedule');
    await pass(publish);
    expect((await json('pipelinerun', 'a-2019-01')).status).toMatchObject({
      phase: 'Queued',
      conditions: [
        { type: 'Ready', status: 'Unknown' },
        { type: 'Reconciling', status: 'True' },
      ],
    });
    await ledger.round();
    await pass(publish);
    expect((await json('pipelinerun', 'a-2019-01')).status).toMatchObject({ phase: 'Running' });
    expect(writes('pipelineruns')).toBe(3);
    ledger.fake.endAll({ reason: 'ExportFailed', message: 'there is no table "t"' });
    await ledger.round();
    await pass(publish);
    expect(writes('pipelineruns')).toBe(4);
    const { status, metadata } = await json('pipelinerun', 'a-2019-01');
    expect(status).toMatchObject({
      phase: 'Failed',
      tasks: { text: '0/1' },
      observedGeneration: metadata.generation,
      conditions: [
        { type: 'Ready', status: 'False' },
        { type: 'Stalled', status: 'True' },
      ],
    });
    expect(await kubectl('describe', 'pipelinerun', 'a-2019-01')).toMatch(/Events:\s+Type +Reason .*\n.*\n +Warning/);
  });

  test('keeps the newest runs of a pipeline and removes older ones that have ended', async () => {
    await ledger.write({ 'a.yaml': manifest('a', months('2019-08-01')) });
    await finish();
    expect(await names('pipelineruns')).toEqual(['a-2019-05', 'a-2019-06', 'a-2019-07']);
    expect(writes('pipelineruns')).toBe(6);
    await ledger.ask('run', { pipeline: 'a', window: '2019-01' });
    await pass(publish);
    expect(await names('pipelineruns')).toEqual(['a-2019-01-2', 'a-2019-06', 'a-2019-07']);
    expect(await ledger.runs()).toHaveLength(8);
  });

  test('leaves a deleted object of an ended run deleted, also after a restart and when the row is touched', async () => {
    await ledger.write({ 'a.yaml': manifest('a', months('2019-03-01')) });
    await finish();
    await kubectl('delete', 'pipelinerun', 'a-2019-01');
    await ledger.query(`update runs set reason = reason`);
    await pass(publish);
    connect(3);
    await pass(publish);
    expect(await names('pipelineruns')).toEqual(['a-2019-02']);
  });

  test('makes the deleted object of a run that goes on anew', async () => {
    await ledger.write({ 'a.yaml': manifest('a', months('2019-02-01')) });
    await ledger.round();
    await pass(publish);
    await kubectl('delete', 'pipelinerun', 'a-2019-01');
    ledger.fake.endAll('Succeeded');
    await ledger.round();
    await pass(publish);
    expect((await json('pipelinerun', 'a-2019-01')).status.phase).toBe('Succeeded');
  });

  test('says of a pipeline whose manifest broke that the last good version goes on, and removes a retired one', async () => {
    await ledger.write({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b') });
    await ledger.pass('sync');
    await pass(publish);
    await ledger.write({ 'a.yaml': manifest('a', 'wrong: 1\n'), 'b.yaml': null });
    await ledger.pass('sync');
    await pass(publish);
    expect(await names('pipelines')).toEqual(['a']);
    const { status } = await json('pipeline', 'a');
    expect(status.conditions).toMatchObject([
      { type: 'Ready', status: 'False', reason: 'ManifestInvalid' },
      { type: 'Stalled', status: 'True', reason: 'ManifestInvalid' },
    ]);
    expect(await events('ManifestInvalid')).toHaveLength(1);
  });
});

describe('receive', () => {
  test('makes exactly one request of a PipelineRun, which then shows the run', async () => {
    await ledger.write({ 'a.yaml': manifest('a', 'variables: { limit: { type: integer, default: 3 } }\n') });
    await ledger.pass('sync');
    await ask('mine', { pipeline: 'a', variables: { limit: '7' } });
    await expect.poll(async () => [await pass(receive), await requests()][1], soon).toHaveLength(1);
    await Promise.all([pass(receive), pass(receive)]);
    connect(3);
    await pass(receive);
    expect(await requests()).toMatchObject([
      { kind: 'run', body: { pipeline: 'a', variables: { limit: '7' } }, origin: { name: 'mine', namespace } },
    ]);
    await ledger.pass('intake');
    await finish();
    expect(await names('pipelineruns')).toEqual(['mine']);
    const { status, metadata } = await json('pipelinerun', 'mine');
    expect(status).toMatchObject({ run: 'a-m1', phase: 'Succeeded', trigger: 'manual' });
    expect(metadata.labels).toMatchObject({ 'pipewright.dev/run': 'a-m1', 'pipewright.dev/pipeline': 'a' });
    await kubectl('delete', 'pipelinerun', 'mine');
    await ledger.query('update runs set reason = reason');
    await pass(publish);
    expect(await names('pipelineruns')).toEqual([]);
  });

  test('answers one that cannot be granted with the sentence', async () => {
    await ledger.write({ 'a.yaml': manifest('trips') });
    await ledger.pass('sync');
    await ask('mine', { pipeline: 'trip' });
    await expect.poll(async () => [await pass(receive), await requests()][1], soon).toHaveLength(1);
    await ledger.pass('intake');
    await pass(receive);
    expect((await json('pipelinerun', 'mine')).status).toMatchObject({
      phase: 'Failed',
      reason: 'Refused',
      message: 'there is no pipeline "trip"; did you mean "trips"?',
    });
    expect(await events('Refused')).toEqual(['there is no pipeline "trip"; did you mean "trips"?']);
  });

  test('cancels a run whose object says so, and runs an ended one again', async () => {
    await ledger.write({ 'a.yaml': manifest('a', months('2019-02-01')) });
    await ledger.round();
    await pass(publish);
    await edit('pipelinerun', 'a-2019-01', { cancel: true });
    await expect.poll(async () => [await pass(receive), await requests()][1], soon).toHaveLength(1);
    await ledger.pass('intake', 'advance', 'launch');
    for (const id of ledger.fake.running()) ledger.fake.end(id, 'gone');
    await ledger.round();
    await pass(publish);
    const { status, metadata } = await json('pipelinerun', 'a-2019-01');
    expect(status).toMatchObject({ phase: 'Cancelled', reason: 'CancelledByRequest' });
    expect(status.observedGeneration).toBe(metadata.generation);
    await ask('again', { pipeline: 'a', rerunOf: 'a-2019-01' });
    await expect.poll(async () => [await pass(receive), await requests()][1], soon).toHaveLength(2);
    await ledger.pass('intake');
    await finish();
    expect((await json('pipelinerun', 'again')).status).toMatchObject({ run: 'a-2019-01-2', phase: 'Succeeded' });
  });

  test('puts back what was changed of a pipeline, and names the fields in an Event', async () => {
    await ledger.write({ 'a.yaml': manifest('a', months('2019-02-01', 'description: Trips\n')) });
    await ledger.pass('sync');
    await pass(publish);
    const { spec } = await json('pipeline', 'a');
    await edit('pipeline', 'a', { maxActiveRuns: 7, timeout: '5m', schedule: { delay: '3h' } });
    await expect
      .poll(async () => [await pass(receive, publish), (await json('pipeline', 'a')).spec][1], soon)
      .toEqual(spec);
    expect(await events('DriftCorrected')).toEqual([
      "spec.maxActiveRuns, spec.schedule, spec.timeout, changed by kubectl-patch, put back: they belong to the pipeline's source; change the manifest there",
    ]);
    const settled = async () => {
      await pass(receive, publish);
      const { metadata, status } = await json('pipeline', 'a');
      return metadata.generation === status.observedGeneration;
    };
    await expect.poll(settled, soon).toBe(true);
  });

  test('takes spec.suspend over, with who it was', async () => {
    await ledger.write({ 'a.yaml': manifest('a', months('2019-02-01')) });
    await ledger.pass('sync');
    await pass(publish);
    const suspended = async () => {
      await pass(receive, publish);
      return (await ledger.query('select suspended from pipelines'))[0].suspended;
    };
    await edit('pipeline', 'a', { suspend: true });
    await expect.poll(suspended, soon).toBe(true);
    await ledger.round();
    expect(await ledger.runs()).toEqual([]);
    await edit('pipeline', 'a', { suspend: false });
    await expect.poll(suspended, soon).toBe(false);
    expect(await ledger.query(`select actor, verb, subject from audit where actor <> 'sync' order by id`)).toEqual([
      { actor: 'kubernetes:kubectl-patch', verb: 'suspend', subject: 'a' },
      { actor: 'kubernetes:kubectl-patch', verb: 'resume', subject: 'a' },
    ]);
    expect(await events('DriftCorrected')).toEqual([]);
    expect(await events('Suspended')).toEqual(['the schedule was stopped by kubectl-patch']);
    expect(await events('Resumed')).toEqual(['the schedule was started by kubectl-patch']);
  });

  test('makes a deleted pipeline anew, and says of one without manifest that it does nothing', async () => {
    await ledger.write({ 'a.yaml': manifest('a') });
    await ledger.pass('sync');
    await pass(publish);
    const { spec } = await json('pipeline', 'a');
    const stray = { apiVersion: resourceApiVersion, kind: 'Pipeline', metadata: { name: 'stray', namespace }, spec };
    await plane.kubectl(['create', '-f', '-'], JSON.stringify(stray));
    const message = async () => {
      await pass(receive);
      return (await json('pipeline', 'stray')).status?.conditions?.[0].message;
    };
    await expect.poll(message, soon).toContain('no source has a pipeline "stray"');
    await kubectl('delete', 'pipeline', 'a');
    await expect.poll(async () => [await pass(receive, publish), await names('pipelines')][1], soon).toContain('a');
  });
});
