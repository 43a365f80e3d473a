import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { drain } from '../../controller/executors/jobs/drain.ts';
import { createKubernetes, type Kubernetes, type Resource } from '../../controller/kubernetes/client.ts';
import { type ControlPlane, firstStart, startControlPlane } from './support/control-plane.ts';

const bin = fileURLToPath(new URL('../../cli/bin.mjs', import.meta.url));
const soon = { interval: 100, timeout: 30_000 };

let plane: ControlPlane;
let kubernetes: Kubernetes;
let namespaces: string[];
let count = 0;

beforeAll(async () => {
  plane = await startControlPlane();
  if (!plane.jobController) throw new Error('these tests need the Job controller; unset KUBEBUILDER_ASSETS');
  kubernetes = createKubernetes({ kubeconfig: plane.kubeconfig, log: pino({ level: 'silent' }) });
}, firstStart);
afterAll(() => plane?.stop());

beforeEach(async () => {
  count++;
  namespaces = [`jobs-${count}`, `team-${count}`];
  for (const name of namespaces) await plane.kubectl(['create', 'namespace', name]);
});

const labelsOf = (ledger: string) => ({
  'app.kubernetes.io/managed-by': 'pipewright',
  'pipewright.dev/ledger': ledger,
});
const container = { name: 'runner', image: 'runner:1' };

/** A Job of the ledger that has made its pod; nothing runs that one here. */
async function startJob(name: string, namespace: string, ledger: string): Promise<void> {
  const labels = labelsOf(ledger);
  const template = { metadata: { labels }, spec: { restartPolicy: 'Never', containers: [container] } };
  const spec = { backoffLimit: 0, podReplacementPolicy: 'Failed', template };
  await kubernetes.create({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name, namespace, labels }, spec });
  await expect.poll(() => podsOf(namespace), soon).toContain(`pod/${name}`);
}

const podsOf = (namespace: string) => plane.kubectl(['get', 'pods', '-n', namespace, '-o', 'name']);

/** `Failed`, `Complete`, or nothing while it runs. */
function stateOf(name: string, namespace: string): Promise<string> {
  const state = 'jsonpath={.status.conditions[?(@.status=="True")].type}';
  return plane.kubectl(['get', 'job', name, '-n', namespace, '-o', state]);
}

function drainLedger(ledger: string, patienceMs = 30_000): Promise<number> {
  return drain({ kubernetes, namespaces, ledgerId: async () => ledger, patienceMs });
}

describe('a drain', () => {
  test('ends the Jobs of its ledger in all namespaces, leaves them there, and no Job of another ledger', async () => {
    const [own = '', other = ''] = namespaces;
    await startJob('a', own, 'one');
    await startJob('b', other, 'one');
    await startJob('c', own, 'two');
    expect(await drainLedger('one')).toBe(2);
    await expect.poll(() => stateOf('a', own), soon).toContain('Failed');
    await expect.poll(() => stateOf('b', other), soon).toContain('Failed');
    expect(await stateOf('c', own)).toBe('');
    expect(await podsOf(own)).toMatch(/^pod\/c-\w+\n$/);
    expect(await podsOf(other)).toBe('');
  });

  test('removes a pod that has lost its Job', async () => {
    const [own = ''] = namespaces;
    await startJob('a', own, 'one');
    await plane.kubectl(['delete', 'job', 'a', '-n', own, '--cascade=orphan']);
    expect(await drainLedger('one')).toBe(0);
    expect(await podsOf(own)).toBe('');
  });

  test('names what does not end, and says how to go on without', async () => {
    const [own = ''] = namespaces;
    await startJob('a', own, 'one');
    const pod = (await podsOf(own)).trim();
    // As one whose node never answers: nobody lets go of it.
    await plane.kubectl([
      'patch',
      pod,
      '-n',
      own,
      '--type=merge',
      '-p',
      '{"metadata":{"finalizers":["example.com/x"]}}',
    ]);
    await expect(drainLedger('one', 2_000)).rejects.toThrow(
      new RegExp(`pod ${own}/a-\\w+: not ended within 2 s .* --no-hooks$`),
    );
    await plane.kubectl(['patch', pod, '-n', own, '--type=merge', '-p', '{"metadata":{"finalizers":null}}']);
    await drainLedger('one');
    expect(await podsOf(own)).toBe('');
  });

  test('asks for no ledger where nothing runs', async () => {
    const ledgerId = () => Promise.reject(new Error('nobody can be asked'));
    expect(await drain({ kubernetes, namespaces, ledgerId, patienceMs: 1_000 })).toBe(0);
  });
});

describe('`pipewright drain`', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pipewright-drain-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function command(): Promise<{ code: number | null; out: string }> {
    const [own = '', other = ''] = namespaces;
    const jobs = join(folder, 'jobs.yaml');
    const config = { namespace: own, resources: other, image: 'runner:1', reportUrl: 'http://pw', reportPort: 6790 };
    await writeFile(jobs, JSON.stringify(config));
    const { DATABASE_URL: _, ...env } = process.env;
    const args = [bin, 'drain', '--jobs', jobs, '--deployment', 'pw'];
    const child = spawn(process.execPath, args, { env: { ...env, KUBECONFIG: plane.kubeconfig } });
    const code = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const [out, said, ended] = await Promise.all([text(child.stdout), text(child.stderr), code]);
    return { code: ended, out: out + said };
  }

  async function deploy(): Promise<void> {
    const [, namespace = ''] = namespaces;
    const labels = { app: 'pw' };
    const template = { metadata: { labels }, spec: { containers: [container] } };
    const spec = { replicas: 2, selector: { matchLabels: labels }, template };
    const metadata = { name: 'pw', namespace };
    await kubernetes.create({ apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec } satisfies Resource);
    await expect.poll(async () => (await podsOf(namespace)).split('pod/pw-').length - 1, soon).toBe(2);
  }

  test('stops the controllers and waits until they are gone', async () => {
    await deploy();
    expect(await command()).toEqual({ code: 0, out: 'pw is stopped; 0 of its Jobs were ended\n' });
    const [, namespace = ''] = namespaces;
    expect(await podsOf(namespace)).toBe('');
  });

  test('stops the controllers and says what it lacks when it cannot know which Jobs are its own', async () => {
    const [own = ''] = namespaces;
    await startJob('a', own, 'one');
    const { code, out } = await command();
    expect(code).toBe(2);
    expect(out).toContain('DATABASE_URL is not set, and only the store knows which Jobs are its own; set it');
    expect(await stateOf('a', own)).toBe('');
  });
});
