import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { clusterSecrets } from '../../controller/cluster-sources.ts';
import { createKubernetes } from '../../controller/kubernetes/client.ts';
import type { PipelineSourceResource } from '../../schemas/generated/types.ts';
import { startGitServer } from '../support/git-server.ts';
import { manifest } from '../support/ledger.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { createTestRepository, type TestRepository } from '../support/repository.ts';
import { createReplica, freePort, type Replica } from './chaos/replicas.ts';
import { createObjects, installDefinitions } from './custom-resources.ts';
import { type ControlPlane, firstStart, startControlPlane } from './support/control-plane.ts';

const soon = { timeout: 25_000, interval: 100 };
const daily = 'schedule: { every: day, startAt: 2019-01-01, endAt: 2019-01-02, catchUp: all }\n';
const hookSecret = 'only the forge knows it';
const login = { user: 'reader', password: 'first' };

/** A real controller on a real API server; the tests are told in order, on one repository that people declare as sources. */
let plane: ControlPlane;
let folder: string;
let store: Awaited<ReturnType<typeof createTestDatabase>>;
let repository: TestRepository;
let server: Awaited<ReturnType<typeof startGitServer>>;
let replica: Replica;
let second: Replica | undefined;
let url: string;
const objects = createObjects(() => plane);

beforeAll(async () => {
  plane = await startControlPlane();
  await installDefinitions(plane);
  folder = await mkdtemp(join(tmpdir(), 'pipewright-declared-'));
  await mkdir(join(folder, 'pipelines'));
  store = await createTestDatabase();
  repository = await createTestRepository();
  server = await startGitServer(dirname(repository.dir), login);
  url = `${server.url}/${basename(repository.dir)}/.git`;
  replica = await startReplica('controller', await freePort());
}, firstStart);

async function startReplica(name: string, hooksPort: number): Promise<Replica> {
  const reportPort = await freePort();
  const jobs = { namespace: 'default', resources: 'default', image: 'nowhere/runner:1' };
  const started = await createReplica({
    ...{ name, folder, kubeconfig: plane.kubeconfig, databaseUrl: store.url, reportPort },
    jobs: { ...jobs, reportUrl: `http://127.0.0.1:${reportPort}` },
    args: ['--hooks-port', String(hooksPort)],
  });
  started.start({ environment: { PIPEWRIGHT_HOOK_SECRET: hookSecret } });
  await started.ready();
  return started;
}

afterAll(async () => {
  await replica?.stop();
  await second?.stop();
  await server?.stop();
  await store?.drop();
  await plane?.stop();
  await repository?.remove();
  await rm(folder, { recursive: true, force: true });
});

async function push(files: Record<string, string>): Promise<string> {
  await repository.write(files);
  return (await repository.commit()).slice(0, 12);
}

async function setSecret(name: string, stringData: Record<string, string>): Promise<void> {
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'default' }, stringData };
  await plane.kubectl(['apply', '-f', '-'], JSON.stringify(secret));
}

const declare = (name: string, git: object, interval = '1s') =>
  objects.create('PipelineSource', name, { interval, git: { url, path: 'pipelines', ...git } });

async function statusOf(name: string): Promise<NonNullable<PipelineSourceResource['status']>> {
  return JSON.parse(await plane.kubectl(['get', 'pws', name, '-o', 'json'])).status ?? {};
}

/** `Ready` of a source, with the reason, the message, and what was read last. */
async function readyOf(name: string) {
  const { conditions = [], revision } = await statusOf(name);
  const ready = conditions.find(({ type }) => type === 'Ready');
  return { status: ready?.status, reason: ready?.reason, message: ready?.message, revision };
}

async function namesOf(kind: string): Promise<string[]> {
  return (await plane.kubectl(['get', kind, '-o', 'name'])).split('\n').flatMap((line) => line.split('/')[1] ?? []);
}

async function warningsAbout(name: string): Promise<string[]> {
  const about = `involvedObject.kind=PipelineSource,involvedObject.name=${name},type=Warning`;
  const { items } = JSON.parse(await plane.kubectl(['get', 'events', `--field-selector=${about}`, '-o', 'json']));
  return items.map(({ reason }: { reason: string }) => reason);
}

test('runs the pipelines of a repository that somebody declares, beside a folder of the controller’s own', async () => {
  const revision = await push({ 'pipelines/a.yaml': manifest('a', daily), 'pipelines/b.yaml': manifest('b') });
  await setSecret('team-a-git', { username: 'reader', password: 'first' });
  await declare('team-a', { secretRef: { name: 'team-a-git' } });
  await expect.poll(() => readyOf('team-a'), soon).toMatchObject({ status: 'True', reason: 'Synced', revision });
  expect(await statusOf('team-a')).toMatchObject({ author: 'Ada <ada@example.org>', pipelines: 2, problemCount: 0 });
  await expect.poll(() => namesOf('pipelines'), soon).toEqual(['a', 'b']);
  await expect.poll(() => namesOf('jobs'), soon).toEqual([expect.stringMatching(/^a-2019-01-01-1-one-1-/)]);
  expect((await namesOf('pipelinesources')).sort()).toEqual(['local', 'team-a']);
  const spec = JSON.parse(await plane.kubectl(['get', 'pws', 'team-a', '-o', 'jsonpath={.spec}']));
  expect(spec).toEqual({ interval: '1s', git: { url, path: 'pipelines', secretRef: { name: 'team-a-git' } } });
});

test('says who broke a manifest and where, and goes on with the rest', async () => {
  await push({ 'pipelines/b.yaml': manifest('b', 'wrong: 1\n'), 'pipelines/c.yaml': manifest('c') });
  await expect
    .poll(() => readyOf('team-a'), soon)
    .toMatchObject({
      status: 'False',
      reason: 'ManifestInvalid',
      message: expect.stringMatching(/^1 problem: b\.yaml:5:3: .* \(commit [0-9a-f]{12} by Ada <ada@example\.org>\)$/),
    });
  await expect.poll(() => namesOf('pipelines'), soon).toEqual(['a', 'b', 'c']);
  const revision = await push({ 'pipelines/b.yaml': manifest('b') });
  await expect.poll(() => readyOf('team-a'), soon).toMatchObject({ status: 'True', revision });
});

test('says that a credential is refused, goes on with what it has, and takes a new one without a restart', async () => {
  login.password = 'second';
  const revision = await push({ 'pipelines/d.yaml': manifest('d') });
  await expect
    .poll(() => readyOf('team-a'), soon)
    .toMatchObject({
      status: 'False',
      reason: 'FetchFailed',
      message: expect.stringMatching(/it refuses the credentials.*; revision [0-9a-f]{12} goes on$/),
    });
  expect(await warningsAbout('team-a')).toContain('FetchFailed');
  expect(await namesOf('pipelines')).toEqual(['a', 'b', 'c']);
  await setSecret('team-a-git', { username: 'reader', password: 'second' });
  await expect.poll(() => readyOf('team-a'), soon).toMatchObject({ status: 'True', reason: 'Synced', revision });
  await expect.poll(() => namesOf('pipelines'), soon).toEqual(['a', 'b', 'c', 'd']);
  expect(await replica.log()).not.toContain('second');
});

test('reads nothing of a source that is suspended, until it is not', async () => {
  const before = (await readyOf('team-a')).revision;
  await objects.patch('pws', 'team-a', { suspend: true });
  await expect.poll(() => readyOf('team-a'), soon).toMatchObject({ status: 'True', reason: 'Suspended' });
  const revision = await push({ 'pipelines/e.yaml': manifest('e'), 'others/f.yaml': manifest('f') });
  const seen = server.requests.length;
  // Longer than its interval, by another source that is looked at meanwhile.
  await declare('other', { path: 'others', secretRef: { name: 'team-a-git' } });
  await expect.poll(() => readyOf('other'), soon).toMatchObject({ status: 'True' });
  expect(server.requests.length).toBeGreaterThan(seen);
  expect((await readyOf('team-a')).revision).toBe(before);
  await objects.patch('pws', 'team-a', { suspend: false });
  await expect.poll(() => readyOf('team-a'), soon).toMatchObject({ status: 'True', reason: 'Synced', revision });
});

test('says that a secret is not there, and that a folder of the controller’s pod is not for others to name', async () => {
  await declare('without', { secretRef: { name: 'nobody' } });
  await expect
    .poll(() => readyOf('without'), soon)
    .toMatchObject({
      reason: 'FetchFailed',
      message: 'secret "nobody" is not there; make it in namespace "default"; nothing has been read yet',
    });
  await objects.create('PipelineSource', 'secrets', { folder: { path: '/var/run/secrets' } });
  await expect
    .poll(() => readyOf('secrets'), soon)
    .toMatchObject({
      status: 'False',
      reason: 'NotConfigured',
      message: expect.stringContaining('"/var/run/secrets" in the controller\'s pod'),
    });
});

test('sees a push at once, whichever replica is told of it', async () => {
  const port = await freePort();
  second = await startReplica('second', port);
  await push({ 'rare/g.yaml': manifest('g') });
  await declare('rare', { path: 'rare', secretRef: { name: 'team-a-git' } }, '1d');
  await expect.poll(() => readyOf('rare'), soon).toMatchObject({ status: 'True' });
  const revision = await push({ 'rare/h.yaml': manifest('h') });
  // The first one leads: it was there before.
  const headers = { authorization: `Bearer ${hookSecret}` };
  const answer = await fetch(`http://127.0.0.1:${port}/hooks/git`, { method: 'POST', headers });
  expect(answer.status).toBe(202);
  await expect.poll(() => readyOf('rare'), soon).toMatchObject({ status: 'True', revision });
});

test('asks for a secret with the rights that it has, and says how to give them where they are missing', async () => {
  await setSecret('given', { password: 'a\n' });
  await setSecret('kept', { password: 'b' });
  await plane.kubectl(['create', 'serviceaccount', 'reader']);
  await plane.kubectl(['create', 'role', 'reader', '--verb=get', '--resource=secrets', '--resource-name=given']);
  await plane.kubectl(['create', 'rolebinding', 'reader', '--role=reader', '--serviceaccount=default:reader']);
  const config = parse(await readFile(plane.kubeconfig, 'utf8'));
  config.users[0].user = { token: (await plane.kubectl(['create', 'token', 'reader'])).trim() };
  const kubeconfig = join(folder, 'reader.conf');
  await writeFile(kubeconfig, JSON.stringify(config));
  const kubernetes = createKubernetes({ kubeconfig, log: pino({ level: 'silent' }) });
  const secrets = clusterSecrets({ kubernetes, namespace: 'default' });
  const { signal } = new AbortController();
  await expect
    .poll(() => secrets.read('given', signal).catch(() => null), soon)
    .toEqual(new Map([['password', 'a\n']]));
  await expect(secrets.read('kept', signal)).rejects.toThrow(
    'secret "kept" of namespace "default" may not be read by the controller; name it in the chart\'s value sourceSecrets',
  );
});

test('retires the pipelines of a source that is deleted, and leaves those of others', async () => {
  await plane.kubectl(['delete', 'pws', 'team-a', 'rare', 'without', 'secrets']);
  await expect.poll(() => namesOf('pipelines'), soon).toEqual(['f']);
  expect((await namesOf('pipelinesources')).sort()).toEqual(['local', 'other']);
  await declare('again', { secretRef: { name: 'team-a-git' } });
  await expect.poll(() => namesOf('pipelines'), soon).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  // The run of its earlier life is still its own.
  await expect.poll(() => namesOf('pipelineruns'), soon).toEqual(['a-2019-01-01']);
});
