import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createClient } from '../../../controller/api/client.ts';
import { startGitServer } from '../../support/git-server.ts';
import { createTestDatabase } from '../../support/postgres.ts';
import { createTestRepository, type TestRepository } from '../../support/repository.ts';
import { pipewright } from './command.ts';
import { startController } from './started.ts';

const soon = { timeout: 30_000 };
const hookSecret = 'what the forge was given';

let folder: string;
let database: { url: string; drop(): Promise<void> };
let repository: TestRepository;
let server: Awaited<ReturnType<typeof startGitServer>>;
let end: () => Promise<void>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pipewright-start-'));
  database = await createTestDatabase();
  repository = await createTestRepository();
  server = await startGitServer(dirname(repository.dir), { user: 'git', password: 'sesame' });
  end = async () => {};
});
afterEach(async () => {
  await end();
  await server.stop();
  await repository.remove();
  await database.drop();
  await rm(folder, { recursive: true });
});

function manifest(name: string, rows: number): string {
  return `apiVersion: pipewright.dev/v1alpha1
kind: Pipeline
metadata: { name: ${name} }
spec: { blocks: [{ name: rows, load: { inline: { rows: [{ n: ${rows} }] } } }] }
`;
}

/** A controller that follows the repository; looks every second unless it is told otherwise. */
async function start(...more: string[]) {
  const url = `${server.url}/${basename(repository.dir)}/.git`;
  const args = ['--git', url];
  const started = await startController([...args, ...(more.length > 0 ? more : ['--poll', '1'])], {
    cwd: folder,
    databaseUrl: database.url,
    env: { PIPEWRIGHT_GIT_TOKEN: 'sesame', PIPEWRIGHT_HOOK_SECRET: hookSecret },
  });
  end = started.end;
  const client = createClient({ server: started.url });
  const names = async () => (await client.pipelines()).pipelines.map(({ name, ready }) => `${name} ${ready}`);
  return { client, names, stderr: started.stderr };
}

test('a push is applied, a broken one keeps the last good version, and a file that is gone retires its pipeline', async () => {
  await repository.write({ 'pipelines/a.yaml': manifest('a', 1), 'pipelines/b.yaml': manifest('b', 1) });
  await repository.commit();
  const { names } = await start();
  await expect.poll(names, soon).toEqual(['a true', 'b true']);
  await repository.write({
    'pipelines/a.yaml': manifest('a', 1).replace('blocks', 'blokcs'),
    'pipelines/c.yaml': manifest('c', 1),
  });
  await repository.commit();
  await expect.poll(names, soon).toEqual(['a false', 'b true', 'c true']);
  await repository.git('rm', '--quiet', 'pipelines/b.yaml');
  await repository.write({ 'pipelines/a.yaml': manifest('a', 2) });
  await repository.commit();
  await expect.poll(names, soon).toEqual(['a true', 'c true']);
});

test('a server that is away stops nothing, and the next commit is seen when it is back', async () => {
  await repository.write({ 'pipelines/a.yaml': manifest('a', 1) });
  await repository.commit();
  const { client, names, stderr } = await start();
  await expect.poll(names, soon).toEqual(['a true']);
  await repository.git('branch', '-m', 'main', 'away');
  await expect.poll(stderr, soon).toMatch(/it has no such branch, tag or commit; it is tried again/);
  const failure = async () => (await client.sources()).sources[0]?.failure ?? null;
  await expect.poll(failure, soon).toMatch(/it has no such branch, tag or commit/);
  const run = await client.startRun({ pipeline: 'a' });
  expect(run).toBeDefined();
  await expect.poll(async () => (await client.run('a-m1')).phase, soon).toBe('Succeeded');
  await repository.git('branch', '-m', 'away', 'main');
  await repository.write({ 'pipelines/b.yaml': manifest('b', 1) });
  await repository.commit();
  await expect.poll(names, soon).toEqual(['a true', 'b true']);
  await expect.poll(failure, soon).toBe(null);
  expect(stderr()).not.toContain('sesame');
});

test('a forge that tells of a push need not wait for the next look', async () => {
  await repository.write({ 'pipelines/a.yaml': manifest('a', 1) });
  await repository.commit();
  const { names, stderr } = await start('--poll', '3600', '--hooks-port', '0');
  await expect.poll(names, soon).toEqual(['a true']);
  const hook = /url=(http\S+\/hooks\/git)/.exec(stderr())?.[1] ?? '';
  await repository.write({ 'pipelines/b.yaml': manifest('b', 1) });
  await repository.commit();
  const push = (token: string) => fetch(hook, { method: 'POST', headers: { 'x-gitlab-token': token }, body: '{}' });
  expect((await push('guessed')).status).toBe(401);
  expect((await push(hookSecret)).status).toBe(202);
  await expect.poll(names, soon).toEqual(['a true', 'b true']);
});

test('options that do not fit together, and a password in a URL, are refused in a sentence', async () => {
  const refused = async (...args: string[]) => pipewright(['start', ...args], { cwd: folder });
  expect(await refused('--branch', 'main')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--branch belongs to --git'),
  });
  expect(await refused('--git', 'https://me:word@example.org/x')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('put it in PIPEWRIGHT_GIT_TOKEN'),
  });
  expect(await refused('--hooks-port', '0')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('needs a secret of 16 characters'),
  });
  expect(await refused('--git', 'ext::sh')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('no URL of a repository'),
  });
});
