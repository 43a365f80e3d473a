import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { manifest } from '../support/ledger.ts';
import { type Cluster, startCluster } from './support/cluster.ts';
import { firstStart } from './support/control-plane.ts';
import { createGate, type Gate } from './support/gate.ts';
import { createHelm, type Helm } from './support/helm.ts';
import { buildProjectImages } from './support/project-images.ts';
import {
  chart,
  giveVolume,
  giveWarehouse,
  inRelease,
  install,
  query,
  reachable,
  writeValues,
} from './support/release.ts';
import { giveSignedRepository } from './support/signed-repository.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const soon = { timeout: 60_000, interval: 500 };
const inJobs = ['--namespace', 'pipewright-jobs'];
const ourKinds = 'pipelinesources,pipelines,pipelineruns,backfills';

/** Runs from `helm install` to a second one are told in order: each test begins where the last one has ended. */
let cluster: Cluster;
let helm: Helm;
let gate: Gate;
let scratch: string;
let values: string;
let repository: Awaited<ReturnType<typeof giveSignedRepository>> | undefined;

const manifests = (url: string) => ({
  'hello.yaml': `
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
`,
  'elsewhere.yaml': `
apiVersion: pipewright.dev/v1alpha1
kind: Pipeline
metadata: { name: elsewhere }
spec:
  pod: { namespace: team-a }
  blocks:
    - name: trips
      load: { postgres: { connection: warehouse, sql: select 1 as one } }
`,
  'held.yaml': `
apiVersion: pipewright.dev/v1alpha1
kind: Pipeline
metadata: { name: held }
spec:
  blocks:
    - name: words
      load: { http: { url: "${url}" }, format: { csv: { columns: { word: VARCHAR } } } }
    - name: kept
      from: [words]
      export: { postgres: { connection: warehouse, table: words, write: { mode: append } } }
`,
  'warehouse.yaml': `
apiVersion: pipewright.dev/v1alpha1
kind: Connection
metadata: { name: warehouse }
spec:
  postgres:
    host: "{{ env_var('POSTGRES_HOST') }}"
    database: "{{ env_var('POSTGRES_DBNAME') }}"
    user: "{{ env_var('POSTGRES_USER') }}"
    password: "{{ env_var('POSTGRES_PASSWORD') }}"
`,
});

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'pipewright-install-'));
  // kubectl looks for its plugins on PATH; as `npm install --global` would link them.
  await linkPrograms(join(scratch, 'bin'));
  process.env.PATH = [join(scratch, 'bin'), dirname(process.execPath), process.env.PATH].join(delimiter);
  // Before the node, which is one for all tests of the machine.
  const images = Object.values(await buildProjectImages());
  cluster = await startCluster();
  for (const { tar } of images) await cluster.loadImage(tar);
  helm = await createHelm(cluster.kubeconfig);
  gate = await createGate(reachable);
  const persistence = await giveVolume(cluster, scratch);
  await cluster.kubectl(['create', 'namespace', 'team-a']);
  await giveWarehouse(cluster, {}, 'team-a');
  const jobs = { policy: { namespaces: ['team-a'] } };
  values = await writeValues(scratch, { files: manifests(gate.url), persistence, jobs });
  await install(helm, values);
  await giveWarehouse(cluster);
}, firstStart);

afterAll(async () => {
  gate?.stop();
  await repository?.remove();
  await cluster?.stop();
  await rm(scratch, { recursive: true, force: true });
});

async function linkPrograms(folder: string): Promise<void> {
  const { bin } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { bin: Record<string, string> };
  await mkdir(folder);
  for (const [name, target] of Object.entries(bin)) await symlink(join(root, target), join(folder, name));
}

/** As a person calls it: `kubectl pipewright ARGS`. */
function pipewright(...args: string[]): Promise<string> {
  return cluster.kubectl(['pipewright', ...args, ...inRelease]);
}

const jobsOf = (run: string) =>
  cluster.kubectl([
    'get',
    'jobs',
    ...inJobs,
    '-l',
    `pipewright.dev/run=${run}`,
    '-o',
    'jsonpath={.items[*].metadata.uid}',
  ]);
const words = () => query(cluster, 'select word, count(*)::int as times from words group by word order by word');
const twice = (times: number) => [
  { word: 'first', times },
  { word: 'last', times },
];

async function startHeld(): Promise<string> {
  const run = (await pipewright('run', 'held')).trim();
  await expect.poll(() => gate.waiting(), soon).toBe(1);
  // What kubectl shows comes a little later.
  await expect
    .poll(() => cluster.kubectl(['get', 'pipelineruns', ...inRelease, '-o', 'name']), soon)
    .toContain(`/${run}\n`);
  return run;
}

describe('a release on a node', { timeout: 240_000 }, () => {
  test('syncs the manifests of its values, runs them as Jobs, and kubectl shows the run', async () => {
    await expect.poll(() => pipewright('pipelines'), soon).toContain('hello');
    // With --wait it fails unless the run succeeds.
    expect(await pipewright('run', 'hello', '--wait')).toBe('hello-m1\n');
    const wide = ['get', 'pipelineruns', ...inRelease, '-o', 'wide'];
    await expect
      .poll(() => cluster.kubectl(wide), soon)
      .toMatch(
        /^NAME +PIPELINE +WINDOW +PHASE +TRIGGER +TASKS +STARTED +DURATION +COMMIT +JOB +NODE +MESSAGE *\nhello-m1 +hello +Succeeded +\S+ +1\/1 +\S+ +\S+ +\S+ +hello-m1-loud-1-\w+ +\S+/,
      );
    const jobs = ['get', 'jobs', ...inJobs, '-o', 'jsonpath={.items[*].status.succeeded}'];
    // The report is quicker than the Job's own status.
    await expect.poll(() => cluster.kubectl(jobs), soon).toBe('1');
  });

  test('answers who asks by kubectl for what there is not, and `describe` shows it', async () => {
    const asked = { apiVersion: 'pipewright.dev/v1alpha1', kind: 'PipelineRun', metadata: { name: 'asked' } };
    const run = JSON.stringify({ ...asked, spec: { pipeline: 'nobody' } });
    await cluster.kubectl(['create', ...inRelease, '-f', '-'], run);
    await expect
      .poll(() => cluster.kubectl(['describe', 'pipelinerun', 'asked', ...inRelease]), soon)
      .toMatch(/Conditions:[\s\S]*Type: +Stalled[\s\S]*\nEvents:[\s\S]* Warning +Refused .*"nobody"/);
  });

  test('runs a pipeline in the namespace that it asks for and the policy allows', async () => {
    expect(await pipewright('run', 'elsewhere', '--wait')).toBe('elsewhere-m1\n');
    const there = ['get', 'jobs', '--namespace', 'team-a', '-o', 'name'];
    expect(await cluster.kubectl(there)).toMatch(/^job.batch\/elsewhere-m1-trips-1-\w+\n$/);
    expect(await pipewright('logs', 'elsewhere-m1')).toContain('task trips, attempt 1');
  });

  test('passes the test of the chart', async () => {
    expect(await helm(['test', 'pipewright', ...inRelease, '--logs'])).toContain('/readyz answers with 200');
  });

  test('starts at once, without a crash while its Postgres comes up', async () => {
    const restarts = 'jsonpath={.items[*].status.containerStatuses[*].restartCount}';
    expect(await cluster.kubectl(['get', 'pods', ...inRelease, '-o', restarts])).toBe('0 0');
  });

  test('has its runs go on through an upgrade to two replicas, and finishes them once', async () => {
    const run = await startHeld();
    const before = await jobsOf(run);
    repository = await giveSignedRepository(cluster, scratch, { 'pipelines/signed.yaml': manifest('signed') });
    await helm([
      'upgrade',
      'pipewright',
      chart,
      ...inRelease,
      '--wait',
      '--reset-then-reuse-values',
      '--set',
      'replicas=2',
    ]);
    await helm([
      'upgrade',
      'pipewright',
      chart,
      ...inRelease,
      '--wait',
      '--reset-then-reuse-values',
      '--values',
      repository.values,
    ]);
    expect(await jobsOf(run)).toBe(before);
    expect(gate.waiting()).toBe(1);
    gate.open();
    await expect
      .poll(async () => JSON.parse(await pipewright('show', run, '-o', 'json')).phase, soon)
      .toBe('Succeeded');
    expect(await jobsOf(run)).toBe(before);
    expect(await words()).toEqual(twice(1));
    expect(await pipewright('runs')).toContain('hello-m1');
  });

  test('reads a repository of its values by ssh with secrets of its namespace, once the commit bears a signature of theirs', async () => {
    const ready = ['wait', ...inRelease, 'pws/team-a', '--for=condition=Ready', '--timeout=60s'];
    expect(await cluster.kubectl(ready)).toContain('condition met');
    expect(await pipewright('run', 'signed', '--wait')).toBe('signed-m1\n');
    const source = ['get', 'pipeline', 'signed', ...inRelease, '-o', 'jsonpath={.spec.source}'];
    expect(await cluster.kubectl(source)).toBe('team-a');
  });

  test('leaves no Job running, no finalizer and no pod behind when it is uninstalled in the midst of a run', async () => {
    gate.close();
    const run = await startHeld();
    await helm(['uninstall', 'pipewright', ...inRelease, '--wait']);
    const active = '-o=jsonpath={.items[*].status.active}';
    expect(await cluster.kubectl(['get', 'jobs', ...inJobs, active])).toBe('');
    expect((await jobsOf(run)).split(' ')).toHaveLength(1);
    // A connection that its node has cut is seen to end a moment later.
    await expect.poll(() => gate.waiting(), soon).toBe(0);
    const working = ['get', 'pods', ...inJobs, '--field-selector', 'status.phase=Running', '-o', 'name'];
    expect(await cluster.kubectl(working)).toBe('');
    const finalizers = '-o=jsonpath={.items[*].metadata.finalizers}';
    expect(await cluster.kubectl(['get', ourKinds, '--all-namespaces', finalizers])).toBe('');
    expect(await cluster.kubectl(['get', 'jobs,pods,configmaps', ...inJobs, finalizers])).toBe('');
    await expect.poll(() => cluster.kubectl(['get', 'pods,jobs', ...inRelease, '-o', 'name']), soon).toBe('');
  });

  test('goes on with its history and its runs when it is installed again, and doubles nothing', async () => {
    const shown = ['get', 'pipelineruns', ...inRelease, '-o', 'jsonpath={.items[*].metadata.uid}'];
    const before = await cluster.kubectl(shown);
    gate.open();
    await install(helm, values);
    const phases = async () => {
      const { runs } = JSON.parse(await pipewright('runs', '-o', 'json')) as {
        runs: { name: string; phase: string }[];
      };
      return runs.map(({ name, phase }) => `${name} ${phase}`).sort();
    };
    await expect
      .poll(phases, soon)
      .toEqual([
        'elsewhere-m1 Succeeded',
        'held-m1 Succeeded',
        'held-m2 Succeeded',
        'hello-m1 Succeeded',
        'signed-m1 Succeeded',
      ]);
    expect(await words()).toEqual(twice(2));
    const { tasks } = JSON.parse(await pipewright('show', 'held-m2', '-o', 'json'));
    expect(tasks).toMatchObject([{ attempts: [{ phase: 'Lost' }, { phase: 'Succeeded' }] }]);
    expect(await cluster.kubectl(shown)).toBe(before);
  });

  test('is gone without a trace when its namespaces and definitions are deleted', async () => {
    await helm(['uninstall', 'pipewright', ...inRelease, '--wait']);
    await cluster.kubectl(['delete', 'namespace', 'pipewright', 'pipewright-jobs', 'team-a', '--timeout=60s']);
    const definitions = ourKinds.split(',').map((plural) => `${plural}.pipewright.dev`);
    await cluster.kubectl(['delete', 'crd', ...definitions, '--timeout=60s']);
  });
});

describe('`kubectl pipewright`', () => {
  test('is found by kubectl, which also completes it', async () => {
    expect(await cluster.kubectl(['plugin', 'list'])).toContain('/kubectl-pipewright\n');
    expect(await cluster.kubectl(['__complete', 'pipewright', 'ru'])).toMatch(/^run\t.*\nruns\t.*\n:4\n$/);
    expect(await cluster.kubectl(['__complete', 'pipewright', 'runs', '--ph'])).toMatch(/^--phase\t.*\n:4\n$/);
  });

  test('says where it looked when there is no controller', async () => {
    await expect(cluster.kubectl(['pipewright', 'runs', '-n', 'default'])).rejects.toThrow(
      /context "\S+", namespace "default": there is no controller; install the chart there/,
    );
  });
});
