import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Cluster, startCluster } from './support/cluster.ts';
import { type ControlPlane, firstStart, startControlPlane } from './support/control-plane.ts';
import { type BaseImages, buildImage, makeBaseImages } from './support/images.ts';

/** Not one that somebody lent by KUBECONFIG. */
const own = process.env.PIPEWRIGHT_TEST_CLUSTER !== 'yes';
/** `last` is what a build without target would make. */
const stages = `
ARG BASE=nowhere/none
ARG BUILD_BASE=nowhere/none
FROM $BUILD_BASE AS build
COPY hello.ts /hello.ts
RUN npm --version > /version
FROM $BASE AS hello
COPY --from=build /hello.ts /version /
USER 1234
ENTRYPOINT ["node", "/hello.ts"]
FROM $BASE AS last
`;
const up = fileURLToPath(new URL('up.ts', import.meta.url));

describe('a control plane', { timeout: 180_000 }, () => {
  let plane: ControlPlane;
  let folder: string;
  beforeAll(async () => {
    // Where no start of another test removes what these leave on purpose.
    folder = await mkdtemp(join(tmpdir(), 'pipewright-'));
    vi.stubEnv('TMPDIR', folder);
    plane = await startControlPlane();
  }, firstStart);
  afterAll(async () => {
    await plane?.stop();
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  });

  test('answers as cluster-admin', async () => {
    expect(await plane.kubectl(['auth', 'can-i', '*', '*', '--all-namespaces'])).toBe('yes\n');
  });

  test.runIf(!process.env.KUBEBUILDER_ASSETS)('has a Job controller, which makes pods', async () => {
    await plane.kubectl(['create', '--filename', '-'], job({ name: 'plain', image: 'nowhere/none:1' }));
    const active = ['get', 'job', 'plain', '-o', 'jsonpath={.status.active}'];
    await expect.poll(() => plane.kubectl(active), { timeout: 30_000 }).toBe('1');
    const pods = ['get', 'pods', '--selector', 'job-name=plain', '-o', 'jsonpath={.items[*].status.phase}'];
    expect(await plane.kubectl(pods)).toBe('Pending');
  });

  test('says what kubectl said when it fails', async () => {
    await expect(plane.kubectl(['get', 'job', 'missing'])).rejects.toThrow(
      'kubectl get job missing: Error from server (NotFound): jobs.batch "missing" not found',
    );
  });

  test('knows nothing of another one beside it', async () => {
    const other = await startControlPlane();
    await other.kubectl(['create', 'namespace', 'there']);
    expect(await plane.kubectl(['get', 'namespaces', '-o', 'name'])).not.toContain('there');
    await other.stop();
    expect(await plane.kubectl(['get', '--raw', '/readyz'])).toBe('ok');
  });

  test('leaves no process and no file when it is stopped', async () => {
    const short = await startControlPlane();
    expect(processesIn(stateOf(short.kubeconfig))).not.toEqual([]);
    await short.stop();
    expect(processesIn(stateOf(short.kubeconfig))).toEqual([]);
    expect(existsSync(stateOf(short.kubeconfig))).toBe(false);
  });

  test('ends with the process that started it, even if that is killed', async () => {
    const child = spawn(process.execPath, [up], { stdio: ['pipe', 'pipe', 'inherit'] });
    const { value: line } = await createInterface(child.stdout)[Symbol.asyncIterator]().next();
    const state = stateOf(/KUBECONFIG=(\S+)/.exec(line ?? '')?.[1] ?? '');
    expect(processesIn(state)).not.toEqual([]);
    child.kill('SIGKILL');
    await expect.poll(() => processesIn(state), { timeout: 30_000 }).toEqual([]);
    await expect.poll(() => existsSync(state), { timeout: 30_000 }).toBe(false);
  });

  test('removes what a killed keeper left before it starts', async () => {
    const lost = await startControlPlane();
    const state = stateOf(lost.kubeconfig);
    process.kill(Number(readFileSync(`${state}/keeper`, 'utf8').split(' ')[0]), 'SIGKILL');
    await lost.stop();
    expect(processesIn(state)).not.toEqual([]);
    const next = await startControlPlane();
    expect(processesIn(state)).toEqual([]);
    await next.stop();
  });
});

describe('a cluster with a node', { timeout: 300_000 }, () => {
  let base: BaseImages;
  let cluster: Cluster;
  beforeAll(async () => {
    base = await makeBaseImages();
    cluster = await startCluster();
    await cluster.loadImage(base.run.tar);
  }, firstStart);
  afterAll(() => cluster?.stop(), 120_000);

  test('runs a Job of the base image to its end, and its log can be read', async () => {
    const command = ['node', '-e', 'console.log(process.version)'];
    await cluster.kubectl(['create', '--filename', '-'], job({ name: 'version', image: base.run.tag, command }));
    await cluster.kubectl(['wait', 'job/version', '--for=condition=Complete', '--timeout=60s']);
    expect(await cluster.kubectl(['logs', 'job/version'])).toBe(`${process.version}\n`);
  });

  test('gives pods names of services and the way to the API server', async () => {
    const script = `fetch('https://kubernetes.default.svc/healthz').catch((error) => console.log(error.cause.code))`;
    const command = ['node', '-e', script];
    await cluster.kubectl(['create', '--filename', '-'], job({ name: 'reach', image: base.run.tag, command }));
    await cluster.kubectl(['wait', 'job/reach', '--for=condition=Complete', '--timeout=60s']);
    // The name was found and the server answered, with a certificate of the cluster's own authority.
    expect(await cluster.kubectl(['logs', 'job/reach'])).toMatch(/CERT|UNABLE_TO_VERIFY/);
  });

  test('runs a stage of a Dockerfile that was built here, as another user than root', async () => {
    const context = await mkdtemp(join(tmpdir(), 'pipewright-context-'));
    const dockerfile = join(context, 'Dockerfile');
    await writeFile(join(context, 'hello.ts'), `console.log(process.getuid?.(), 'from' as string, process.argv[2]);`);
    await writeFile(dockerfile, stages);
    const tag = 'localhost/pipewright-harness:1';
    const image = await buildImage({ dockerfile, context, target: 'hello', tag, base });
    await rm(context, { recursive: true });
    await cluster.loadImage(image.tar);
    await cluster.kubectl(['create', '--filename', '-'], job({ name: 'built', image: tag, args: ['the image'] }));
    await cluster.kubectl(['wait', 'job/built', '--for=condition=Complete', '--timeout=60s']);
    expect(await cluster.kubectl(['logs', 'job/built'])).toBe('1234 from the image\n');
  });

  test.runIf(own)('is the only one of the machine: a second start waits for its end', async () => {
    const second = startCluster();
    await expect.poll(() => processesIn('flock 9 '), { timeout: 30_000 }).not.toEqual([]);
    await cluster.stop();
    cluster = await second;
    await cluster.loadImage(base.run.tar);
    expect(await cluster.kubectl(['get', 'jobs'])).toBe('');
  });

  test.runIf(own)('leaves no process, file or mount when it is stopped', async () => {
    const folder = stateOf(cluster.kubeconfig);
    const command = ['sleep', '600'];
    await cluster.kubectl(['create', '--filename', '-'], job({ name: 'long', image: base.run.tag, command }));
    await cluster.kubectl(['wait', 'pod', '--selector', 'job-name=long', '--for=condition=Ready', '--timeout=60s']);
    expect(processesIn(folder, '/kube0/')).toContain('sleep 600 ');
    await cluster.stop();
    expect(processesIn(folder, '/kube0/')).toEqual([]);
    expect(existsSync(folder)).toBe(false);
    expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(folder);
  });
});

function job(of: { name: string; image: string; command?: string[]; args?: string[] }): string {
  const { name, image, command, args } = of;
  const container = { name: 'main', image, command, args, imagePullPolicy: 'Never' };
  const template = { spec: { restartPolicy: 'Never', automountServiceAccountToken: false, containers: [container] } };
  return JSON.stringify({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name }, spec: { template } });
}

/** The folder of a cluster that was started here: its kubeconfig lies under pki/. */
function stateOf(kubeconfig: string): string {
  return dirname(dirname(kubeconfig));
}

/** Command lines of the processes that work in this folder or name it, or have `group` in their cgroup's path. No zombies. */
function processesIn(folder: string, group = folder): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        const inside = readlinkSync(`/proc/${pid}/cwd`).startsWith(folder) || command.includes(folder);
        return inside || readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(group) ? [command] : [];
      } catch {
        return [];
      }
    });
}
