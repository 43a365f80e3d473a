import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
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
import { buildProjectImages } from './support/project-images.ts';
import { giveWarehouse, inRelease, install, query, reachable, writeValues } from './support/release.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const pipelines = join(root, 'pipelines');
/** The TLC's own files instead of the seeded sample, where one has them. */
const folder = process.env.TAXI_FILES;
/** 24 months of trips and one daily window of `test-config`. */
const windows = 25;
const run = 'yellow-taxi-to-postgres-2019-01';
const soon = { timeout: 60_000, interval: 500 };

let cluster: Cluster;
let helm: Helm;
let server: Awaited<ReturnType<typeof createSampleServer>>;
let scratch: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'pipewright-end-to-end-'));
  // Before the node, which is one for all tests of the machine.
  const images = Object.values(await buildProjectImages());
  cluster = await startCluster();
  helm = await createHelm(cluster.kubeconfig);
  server = await createSampleServer({ host: reachable, port: 0, ...(folder && { folder }) });
  for (const { tar } of images) await cluster.loadImage(tar);
}, firstStart);

afterAll(async () => {
  await server?.close();
  await cluster?.stop();
  await rm(scratch, { recursive: true, force: true });
});

function manifests(): Record<string, string> {
  const paths = readdirSync(pipelines, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.yaml'));
  return Object.fromEntries(paths.map((path) => [path, readFileSync(join(pipelines, path), 'utf8')]));
}

/** The project's own command line, with the kubeconfig of the cluster. */
async function pipewright(...args: string[]): Promise<string> {
  const env = { ...process.env, KUBECONFIG: cluster.kubeconfig };
  const command = [join(root, 'cli/bin.mjs'), ...args, ...inRelease];
  return (await promisify(execFile)(process.execPath, command, { env })).stdout;
}

const get = (...args: string[]) => cluster.kubectl(['get', ...inRelease, ...args]);

test('the 24 months of the examples run as Jobs after `helm install`, and kubectl shows them', {
  timeout: 600_000,
}, async () => {
  await cluster.kubectl(['create', 'namespace', 'pipewright-jobs']);
  await giveWarehouse(cluster, { TAXI_BASE_URL: server.url });
  const persistence = { enabled: false };
  const jobs = { createNamespace: false, maxJobs: 8 };
  await install(helm, await writeValues(scratch, { files: manifests(), persistence, jobs }));
  const phases = async () => (await get('pipelineruns', '-o', 'jsonpath={.items[*].status.phase}')).split(' ');
  await expect
    .poll(async () => (await phases()).filter((phase) => phase === 'Succeeded').length, {
      timeout: 500_000,
      interval: 1_000,
    })
    .toBe(windows);
  expect(await get('pipelineruns', run)).toMatch(
    /^NAME +PIPELINE +WINDOW +PHASE +TRIGGER +TASKS +STARTED +DURATION\nyellow-taxi-to-postgres-2019-01 +yellow-taxi-to-postgres +2019-01 +Succeeded +schedule +2\/2 +\S+ +\S+\n$/,
  );
  const months = `select to_char(window_start at time zone 'America/New_York', 'YYYY-MM') as month, count(*)::int as rows, round(sum(total_amount)::numeric, 2)::float8 as total
     from ny_taxi.yellow_cab_data group by 1 order by 1`;
  expect(await query(cluster, months)).toEqual(await countMonths(server.url));
});

test('kubectl shows the pipelines and where they come from', async () => {
  await expect
    .poll(() => get('pipelines', 'yellow-taxi-to-postgres'), soon)
    .toMatch(/\nyellow-taxi-to-postgres +every month .*2020-12 +Succeeded .*True\n$/);
  await expect.poll(() => get('pipelinesources'), soon).toMatch(/\n\S+ +\w+ +2 +0 +\S+ +True *\n$/);
  const described = await cluster.kubectl(['describe', 'pipelinerun', run, ...inRelease]);
  expect(described).toMatch(/Conditions:[\s\S]*Status: +True\s+Type: +Ready[\s\S]*Phase: +Succeeded/);
});

test('the command line finds the controller by the kubeconfig', async () => {
  expect(JSON.parse(await pipewright('show', run, '-o', 'json'))).toMatchObject({
    phase: 'Succeeded',
    tasks: [
      { name: 'warehouse' },
      {
        name: 'first_trips',
        // By its digest, whatever its tag means by now.
        attempts: [
          { image: expect.stringMatching(/sha256:[0-9a-f]{64}$/), report: { sample: { block: 'first_trips' } } },
        ],
      },
    ],
  });
});

test('logs stay readable when Jobs and pods are gone', { timeout: 120_000 }, async () => {
  // What is over and archived goes by its own time limit; here somebody is quicker.
  const archived = [
    'get',
    'jobs',
    '--namespace',
    'pipewright-jobs',
    '-o',
    'jsonpath={.items[*].spec.ttlSecondsAfterFinished}',
  ];
  await expect.poll(async () => (await cluster.kubectl(archived)).split(' ').length, soon).toBe(2 * windows - 1);
  const before = await pipewright('logs', run);
  expect(before).toMatch(/^\[warehouse#1\] .*task warehouse, attempt 1\n[\s\S]*^\[first_trips#1\] /m);
  await cluster.kubectl(['delete', 'jobs,pods', '--all', '--namespace', 'pipewright-jobs', '--timeout=60s']);
  expect(await pipewright('logs', run)).toBe(before);
});
