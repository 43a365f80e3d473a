import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Client, createClient } from '../../../controller/api/client.ts';
import { startController } from '../../../controller/main.ts';
import { createTestDatabase } from '../../support/postgres.ts';
import { givenFolder } from '../../support/sync.ts';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { firstStart } from '../support/control-plane.ts';
import { makeBaseImages } from '../support/images.ts';
import { buildProjectImages } from '../support/project-images.ts';

const crds = fileURLToPath(new URL('../../../crds', import.meta.url));
/** The bridge of the test cluster: what listens there is reached from pods. */
const reachable = '10.244.0.1';
const soon = { interval: 300, timeout: 120_000 };

let cluster: Cluster;
let scratch: string;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let controller: Promise<void>;
let client: Client;
const stop = new AbortController();

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'pipewright-logs-'));
  const base = await makeBaseImages();
  const { runner } = await buildProjectImages();
  database = await createTestDatabase();
  cluster = await startCluster();
  for (const { tar } of [base.run, runner]) await cluster.loadImage(tar);
  await cluster.kubectl(['apply', '--server-side', '-f', crds]);
  for (const name of ['shown', 'work']) await cluster.kubectl(['create', 'namespace', name]);
  const dir = join(scratch, 'pipelines');
  await mkdir(dir);
  for (const [name, text] of Object.entries(manifests(base.run.tag))) await writeFile(join(dir, `${name}.yaml`), text);
  await start(dir, runner.tag);
}, firstStart);

afterAll(async () => {
  stop.abort();
  await controller;
  await cluster?.stop();
  await database?.drop();
  await rm(scratch, { recursive: true, force: true });
}, 120_000);

/** A loader that requests something, one that writes fast and much, and one that says a last word when it is told to end. */
function manifests(image: string): Record<string, string> {
  const pipeline = (name: string, block: object) => {
    const spec = { resources: { requests: { memory: '96Mi', cpu: '50m' } }, blocks: [{ name: 'one', ...block }] };
    return JSON.stringify({ apiVersion: 'pipewright.dev/v1alpha1', kind: 'Pipeline', metadata: { name }, spec });
  };
  const node = (script: string) => ({ container: { image, command: ['node', '-e'], args: [script] } });
  const last = 'console.log("waiting"); process.on("SIGTERM", () => { console.log("told to end"); process.exit(1) });';
  return {
    rows: pipeline('rows', { load: { inline: { rows: [{ n: 1 }] } } }),
    much: pipeline('much', node('for (let i = 0; i < 20000; i++) console.log("line " + i)')),
    stays: pipeline('stays', node(`${last} setTimeout(() => 0, 600_000)`)),
  };
}

async function start(dir: string, image: string): Promise<void> {
  process.env.KUBECONFIG = cluster.kubeconfig;
  const reportPort = await freePort();
  const where = { namespace: 'work', resources: 'shown', image, imagePullPolicy: 'Never' as const };
  const config = { ...where, reportUrl: `http://${reachable}:${reportPort}`, reportPort };
  const url = new Promise<string>((onReady) => {
    controller = startController({
      ...{
        sources: [givenFolder(dir)],
        home: join(scratch, 'home'),
        port: 0,
        databaseUrl: database.url,
        environment: {},
        onReady,
      },
      ...{ executor: { kind: 'jobs', config }, signal: stop.signal, log: pino({ level: 'silent' }) },
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

async function logOf(run: string, options: { follow?: boolean } = {}): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of client.logs(run, options)) lines.push(line);
  return lines;
}

const phase = async (run: string) => (await client.run(run)).phase;
const ttls = () =>
  cluster.kubectl([...['-n', 'work', 'get', 'jobs', '-o'], 'jsonpath={.items[*].spec.ttlSecondsAfterFinished}']);

test('logs of runners and containers are whole, to the last word, when their pods are gone', async () => {
  await expect.poll(async () => (await client.pipelines()).pipelines.length, soon).toBe(3);
  const runs: string[] = [];
  for (const pipeline of ['rows', 'much', 'stays']) runs.push((await client.startRun({ pipeline })).run);
  const [rows = '', much = '', stays = ''] = runs;
  // Followed to its end while it writes.
  const followed = logOf(much, { follow: true });
  await expect.poll(() => logOf(stays), soon).toEqual(['[one#1] waiting']);
  await client.cancel(stays);
  await expect.poll(() => Promise.all(runs.map(phase)), soon).toEqual(['Succeeded', 'Succeeded', 'Cancelled']);
  await expect.poll(ttls, soon).toBe('3600 3600 3600');
  await cluster.kubectl(['-n', 'work', 'delete', 'jobs', '--all', '--cascade=foreground']);
  expect(await cluster.kubectl(['-n', 'work', 'get', 'pods', '-o', 'name'])).toBe('');
  const all = Array.from({ length: 20_000 }, (_, i) => `[one#1] line ${i}`);
  expect(await logOf(much)).toEqual(all);
  expect(await followed).toEqual(all);
  expect(await logOf(stays)).toEqual(['[one#1] waiting', '[one#1] told to end']);
  expect((await logOf(rows)).join('\n')).toContain('one: 1 rows');
  const { report } = (await client.run(rows)).tasks[0]?.attempts[0] ?? {};
  expect(report?.usage).toMatchObject({ requestedMemoryBytes: 96 * 1024 * 1024, requestedCpuMillis: 50 });
  expect(report?.usage?.cpuMs).toBeGreaterThan(0);
  expect(report?.usage?.peakMemoryBytes).toBeGreaterThanOrEqual(report?.peakMemoryBytes ?? 0);
  expect((await client.usage('rows')).tasks).toMatchObject([{ task: 'one', attempts: 1 }]);
}, 300_000);
