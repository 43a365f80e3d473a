import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createMirror, type Remote } from '../../../controller/git/mirror.ts';
import { startGitServer } from '../../support/git-server.ts';
import { createTestRepository, type TestRepository } from '../../support/repository.ts';

const login = { user: 'bot', password: 'sesame' };
const { signal } = new AbortController();

let repository: TestRepository;
let server: Awaited<ReturnType<typeof startGitServer>>;
let home: string;
beforeEach(async () => {
  repository = await createTestRepository();
  server = await startGitServer(dirname(repository.dir), login);
  home = await mkdtemp(join(tmpdir(), 'pipewright-mirror-'));
});
afterEach(async () => {
  await server.stop();
  await repository.remove();
  await rm(home, { recursive: true, force: true });
});

function mirrorOf(more: Partial<Remote> = {}) {
  const url = `${server.url}/${basename(repository.dir)}/.git`;
  return createMirror({
    dir: join(home, 'm'),
    remote: { url, ref: { branch: 'main' }, path: 'team', token: login, ...more },
  });
}

test('a push is fetched, and its path read', async () => {
  await repository.write({ 'team/a.yaml': 'one\n', 'other/b.yaml': 'b\n' });
  const first = await repository.commit();
  const mirror = mirrorOf();
  expect((await mirror.update(signal)).commit).toBe(first);
  expect((await mirror.read(first)).files).toEqual(new Map([['a.yaml', 'one\n']]));
  await repository.write({ 'team/a.yaml': 'two\n' });
  const second = await repository.commit();
  expect((await mirror.update(signal)).commit).toBe(second);
  expect((await mirror.read(second)).files).toEqual(new Map([['a.yaml', 'two\n']]));
});

test('what lies beside the path is not fetched, whatever it weighs', async () => {
  const noise = (seed: number) => Buffer.from(Array.from({ length: 400_000 }, (_, at) => (at * at * seed) % 251));
  for (let age = 1; age <= 3; age++) {
    await repository.write({
      'big/data.bin': noise(age),
      'team/a.yaml': `a${age}\n`,
      'team/large.bin': noise(age + 3),
    });
    await repository.commit();
  }
  const mirror = mirrorOf();
  const { commit } = await mirror.update(signal);
  expect((await mirror.read(commit)).files).toEqual(new Map([['a.yaml', 'a3\n']]));
  expect(server.sent()).toBeLessThan(20_000);
  await mirror.update(signal);
  expect(server.sent()).toBeLessThan(5_000);
});

test('a forced push, a deleted branch that came back, and a damaged mirror are got over', async () => {
  await repository.write({ 'team/a.yaml': 'one\n' });
  await repository.commit();
  const mirror = mirrorOf();
  await mirror.update(signal);
  await repository.write({ 'team/a.yaml': 'other\n' });
  await repository.git('add', '-A');
  await repository.git('commit', '--quiet', '--amend', '-m', 'rewritten');
  const rewritten = await repository.git('rev-parse', 'HEAD');
  expect((await mirror.update(signal)).commit).toBe(rewritten);
  await repository.git('branch', '-m', 'main', 'away');
  await expect(mirror.update(signal)).rejects.toThrow(
    /branch "main": it has no such branch, tag or commit; it is tried again/,
  );
  await repository.git('branch', '-m', 'away', 'main');
  expect((await mirror.update(signal)).commit).toBe(rewritten);
  for (const file of ['HEAD', 'config']) await writeFile(join(home, 'm', file), 'rubbish');
  await rm(join(home, 'm', 'objects'), { recursive: true });
  expect((await mirror.update(signal)).commit).toBe(rewritten);
  expect((await mirror.read(rewritten)).files).toEqual(new Map([['a.yaml', 'other\n']]));
});

test('a tag and a commit are followed as a branch is', async () => {
  await repository.write({ 'team/a.yaml': 'one\n' });
  const first = await repository.commit();
  await repository.git('tag', '-a', 'v1', '-m', 'one');
  await repository.write({ 'team/a.yaml': 'two\n' });
  await repository.commit();
  expect((await mirrorOf({ ref: { tag: 'v1' } }).update(signal)).commit).toBe(first);
  expect((await mirrorOf({ ref: { commit: first } }).update(signal)).commit).toBe(first);
});

test('wrong credentials, a wrong URL and a server that is away are said in a sentence without a secret', async () => {
  await repository.commit();
  const wrong = { user: 'bot', password: 'open-barley' };
  await expect(mirrorOf({ token: wrong }).update(signal)).rejects.toThrow(/it refuses the credentials/);
  await expect(mirrorOf({ token: wrong }).update(signal)).rejects.not.toThrow(/open-barley/);
  await expect(mirrorOf({ url: `${server.url}/nobody` }).update(signal)).rejects.toThrow(/there is no repository/);
  // Words of the URL are no reason.
  await expect(mirrorOf({ url: `${server.url}/proxy/certificate` }).update(signal)).rejects.toThrow(
    /there is no repository/,
  );
  await expect(mirrorOf({ url: 'http://127.0.0.1:1/x' }).update(signal)).rejects.toThrow(/it cannot be reached/);
});

test('no secret is kept in the mirror', async () => {
  await repository.write({ 'team/a.yaml': 'one\n' });
  await repository.commit();
  await mirrorOf().update(signal);
  const { stdout } = await import('node:child_process').then(({ spawnSync }) =>
    spawnSync(
      'grep',
      ['-r', '-l', '-e', 'sesame', '-e', Buffer.from('bot:sesame').toString('base64'), join(home, 'm')],
      {
        encoding: 'utf8',
      },
    ),
  );
  expect(stdout).toBe('');
  expect(await readdir(join(home, 'm'))).toContain('HEAD');
});

test('a tree that is made to do harm is refused', async () => {
  await repository.write({ 'team/a.yaml': 'one\n' });
  const team = await repository.git('rev-parse', `${await repository.commit()}:team`);
  const file = join(home, 'tree');
  await writeFile(file, Buffer.concat([Buffer.from('40000 .git\0'), Buffer.from(team, 'hex')]));
  const tree = await repository.git('hash-object', '-t', 'tree', '--literally', '-w', file);
  await repository.git('update-ref', 'refs/heads/main', await repository.git('commit-tree', '-m', 'change', tree));
  await expect(mirrorOf().update(signal)).rejects.toThrow(
    /it holds an object that Git finds unsafe; find it with `git fsck`/,
  );
});

test('a submodule is not fetched, and no hook is run', async () => {
  await repository.write({
    'team/a.yaml': 'one\n',
    '.gitmodules': '[submodule "x"]\n\tpath = team/x\n\turl = http://127.0.0.1:1/x\n',
  });
  await repository.git('update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},team/x`);
  const commit = await repository.commit();
  const mirror = mirrorOf();
  expect((await mirror.update(signal)).commit).toBe(commit);
  expect([...(await mirror.read(commit)).files.keys()]).toEqual(['a.yaml']);
});
