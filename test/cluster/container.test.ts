import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Client, createClient } from '../../controller/api/client.ts';
import { startController } from '../../controller/main.ts';
import type { RunDetail } from '../../schemas/generated/types.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { givenFolder } from '../support/sync.ts';
import { type Cluster, startCluster } from './support/cluster.ts';
import { firstStart } from './support/control-plane.ts';
import { makeBaseImages } from './support/images.ts';
import { buildProjectImages } from './support/project-images.ts';

const crds = fileURLToPath(new URL('../../crds', import.meta.url));
/** The bridge of the test cluster: what listens there is reached from pods. */
const reachable = '10.244.0.1';
const soon = { interval: 500, timeout: 120_000 };

let cluster: Cluster;
let scratch: string;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let controller: Promise<void>;
let client: Client;
const stop = new AbortController();

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'pipewright-container-'));
  const base = await makeBaseImages();
  const { runner } = await buildProjectImages();
  database = await createTestDatabase();
  cluster = await startCluster();
  for (const { tar } of [base.run, runner]) await cluster.loadImage(tar);
  await cluster.kubectl(['apply', '--server-side', '-f', crds]);
  for (const name of ['shown', 'work']) await cluster.kubectl(['create', 'namespace', name]);
  await cluster.kubectl(['label', 'namespace', 'work', 'pod-security.kubernetes.io/enforce=restricted']);
  await giveClaim();
  await start(base.run.tag, runner.tag);
}, firstStart);

afterAll(async () => {
  stop.abort();
  await controller;
  await cluster?.stop();
  await database?.drop();
  await rm(scratch, { recursive: true, force: true });
}, 120_000);

/** A folder of this machine, which is the node, for the rows that tasks hand to each other. */
async function giveClaim(): Promise<void> {
  const path = join(scratch, 'artifacts');
  await mkdir(path);
  for (const each of [path, scratch]) await chmod(each, 0o777);
  const claim = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteMany'], storageClassName: 'by-hand' };
  const { capacity, ...asked } = claim;
  const objects = [
    { kind: 'PersistentVolume', metadata: { name: 'artifacts' }, spec: { ...claim, hostPath: { path } } },
    {
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'artifacts', namespace: 'work' },
      spec: { ...asked, resources: { requests: capacity } },
    },
  ];
  for (const each of objects)
    await cluster.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', ...each }));
}

async function start(image: string, runner: string): Promise<void> {
  const dir = join(scratch, 'pipelines');
  await mkdir(dir);
  for (const [name, text] of Object.entries(manifests(image))) await writeFile(join(dir, `${name}.yaml`), text);
  // The client of the controller takes what kubectl takes.
  process.env.KUBECONFIG = cluster.kubeconfig;
  const reportPort = await freePort();
  const config = {
    namespace: 'work',
    resources: 'shown',
    image: runner,
    imagePullPolicy: 'Never' as const,
    artifactsClaim: 'artifacts',
    reportUrl: `http://${reachable}:${reportPort}`,
    reportPort,
  };
  const url = new Promise<string>((onReady) => {
    controller = startController({
      sources: [givenFolder(dir)],
      home: join(scratch, 'home'),
      port: 0,
      databaseUrl: database.url,
      executor: { kind: 'jobs', config },
      environment: {},
      signal: stop.signal,
      log: pino({ level: 'silent' }),
      onReady,
    });
  });
  client = createClient({ server: await Promise.race([url, controller.then(() => 'nowhere')]) });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '0.0.0.0');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** Puts out what a container finds of its place. Without double braces, which would be a template. */
const look = `
  const fs = require('fs');
  const isRefused = (path) => { try { fs.writeFileSync(path, 'x'); return false; } catch { return true; } };
  const found = new Map([
    ['inputs', fs.readdirSync('/inputs').join()],
    ['magic', fs.readFileSync('/inputs/trips.parquet').subarray(0, 4).toString()],
    ['sealed', isRefused('/inputs/trips.parquet') && isRefused('/inputs/new') && isRefused('/etc/new')],
    ['room', !isRefused('/tmp/new')],
    ['user', process.getuid()],
    ['token', fs.existsSync('/var/run/secrets/kubernetes.io')],
    ['run', process.env.RUN],
  ]);
  fs.writeFileSync('/dev/termination-log', JSON.stringify(Object.fromEntries(found)));
`;

function manifests(image: string): Record<string, string> {
  const pipeline = (name: string, ...blocks: object[]) =>
    JSON.stringify({ apiVersion: 'pipewright.dev/v1alpha1', kind: 'Pipeline', metadata: { name }, spec: { blocks } });
  const node = (script: string) => ({ image, command: ['node', '-e'], args: [script] });
  const forever = 'process.on("SIGTERM", () => process.exit(143)); setTimeout(() => 0, 600_000)';
  const told = 'select {{ outputs.score.user }} as user_id, {{ outputs.score.run }} as run from trips';
  return {
    whole: pipeline(
      'whole',
      { name: 'trips', load: { inline: { rows: [{ n: 1 }, { n: 2 }] } } },
      { name: 'zones', from: ['trips'], isolate: true, transform: { sql: 'select * from trips' } },
      {
        name: 'score',
        from: ['trips'],
        needs: ['zones'],
        container: { ...node(look), env: { RUN: '{{ run.name }}' } },
      },
      {
        name: 'told',
        from: ['trips'],
        needs: ['score'],
        transform: { sql: told },
        checks: [{ expect: "user_id = 65532 and run = 'whole-m1'" }],
      },
    ),
    broken: pipeline('broken', {
      name: 'score',
      // To one stream: between two, the node keeps no order.
      container: node('console.error("reading"); console.error("no such bucket"); process.exit(3)'),
    }),
    slow: pipeline('slow', { name: 'score', timeout: '2s', container: node(forever) }),
    stopped: pipeline('stopped', { name: 'score', container: node(forever) }),
  };
}

/** As soon as it was synced. */
async function begin(pipeline: string): Promise<void> {
  const known = async () => (await client.pipelines()).pipelines.map(({ name }) => name);
  await expect.poll(known, soon).toContain(pipeline);
  await client.startRun({ pipeline });
}

async function settled(pipeline: string): Promise<RunDetail> {
  await expect.poll(async () => (await client.run(`${pipeline}-m1`)).finishedAt, soon).not.toBeNull();
  return client.run(`${pipeline}-m1`);
}

test('a container reads rows, puts out values for others, and may do no more than a runner', async () => {
  await begin('whole');
  const run = await settled('whole');
  expect(run).toMatchObject({ phase: 'Succeeded' });
  const score = run.tasks.find(({ name }) => name === 'score');
  const found = { inputs: 'trips.parquet', magic: 'PAR1', sealed: true, room: true, user: 65532, token: false };
  expect(score?.attempts.map(({ report }) => report?.outputs)).toEqual([{ ...found, run: 'whole-m1' }]);
});

test('a container that fails tells its exit code and what it said last', async () => {
  await begin('broken');
  const message = 'the container ended with exit code 3; its last words: reading | no such bucket';
  expect((await settled('broken')).tasks).toMatchObject([
    { phase: 'Failed', reason: 'ContainerFailed', attempts: [{ message }] },
  ]);
});

test('a container that takes too long is ended by its node', async () => {
  await begin('slow');
  expect((await settled('slow')).tasks).toMatchObject([{ phase: 'Failed', reason: 'TimedOut' }]);
});

test('a container is stopped with its run', async () => {
  await begin('stopped');
  const phases = () =>
    cluster.kubectl([
      ...['get', 'pods', '-n', 'work', '-l', 'pipewright.dev/run=stopped-m1'],
      ...['-o', 'jsonpath={.items[*].status.phase}'],
    ]);
  await expect.poll(phases, soon).toBe('Running');
  await client.cancel('stopped-m1');
  expect(await settled('stopped')).toMatchObject({ phase: 'Cancelled' });
  // The pod has ended by then; the Job controller removes it soon.
  expect(['', 'Failed']).toContain(await phases());
  await expect.poll(phases, soon).toBe('');
});
