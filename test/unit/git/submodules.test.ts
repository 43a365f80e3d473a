import { once } from 'node:events';
import { readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { submoduleUrl } from '../../../controller/git/submodule-url.ts';
import { createMirrored, type Mirrored } from '../../support/mirrored.ts';
import { createTestRepository, type TestRepository } from '../../support/repository.ts';

const login = { user: 'bot', password: 'sesame' };
const { signal } = new AbortController();

let ground: Mirrored;
let shared: TestRepository;
beforeEach(async () => {
  ground = await createMirrored(login);
  shared = await createTestRepository();
});
afterEach(async () => {
  await shared.remove();
  await ground.close();
});

/** As seen from the source's repository. */
const relativeUrl = () => `../../${basename(shared.dir)}/.git`;

/** A commit of the source with one submodule, whose URL and commit are these. */
async function link(path: string, url: string, commit: string, of: TestRepository = ground.repository) {
  await of.write({ '.gitmodules': `[submodule "x"]\n\tpath = ${path}\n\turl = ${url}\n\tbranch = away\n` });
  await of.git('add', '--all');
  await of.git('update-index', '--add', '--cacheinfo', `160000,${commit},${path}`);
  // Not by `commit()`, which would take what is not in the folder out again.
  await of.git('commit', '--quiet', '-m', 'link');
  return of.git('rev-parse', 'HEAD');
}

async function readOf(mirror: ReturnType<Mirrored['mirrorOf']>) {
  const { commit } = await mirror.update(signal);
  const { files, problems, digest, complete } = await mirror.read(commit);
  return { files: Object.fromEntries(files), problems: problems.map(({ message }) => message), digest, complete };
}

const mirrorOf = () => ground.mirrorOf({ submodules: true });

test('the files of a submodule are read under its path, at the commit that the source names', async () => {
  await shared.write({ 'a.yaml': 'shared\n', 'sql/q.sql': 'select 1\n', 'read.me': 'no\n' });
  const first = await shared.commit();
  await ground.repository.write({ 'team/own.yaml': 'own\n' });
  await link('team/lib', relativeUrl(), first);
  const mirror = mirrorOf();
  const one = await readOf(mirror);
  const files = { 'lib/a.yaml': 'shared\n', 'lib/sql/q.sql': 'select 1\n', 'own.yaml': 'own\n' };
  expect(one).toMatchObject({ files, problems: [], complete: true });
  await shared.write({ 'a.yaml': 'moved\n' });
  const second = await shared.commit();
  expect(await readOf(mirror)).toEqual(one);
  await link('team/lib', `${ground.server.url}/${basename(shared.dir)}/.git`, second);
  const two = await readOf(mirror);
  expect(two.files).toEqual({ ...files, 'lib/a.yaml': 'moved\n' });
  expect(two.digest).not.toBe(one.digest);
});

test('a submodule that stays where it was is asked for nothing, and one that is gone leaves no mirror', async () => {
  await shared.write({ 'a.yaml': 'shared\n' });
  await link('team/lib', relativeUrl(), await shared.commit());
  const mirror = mirrorOf();
  await readOf(mirror);
  const asked = () => ground.server.requests.filter((each) => each.includes(basename(shared.dir))).length;
  const before = asked();
  await ground.repository.write({ 'team/own.yaml': 'own\n' });
  await ground.repository.git('add', 'team/own.yaml');
  await ground.repository.git('commit', '--quiet', '-m', 'own');
  expect((await readOf(mirror)).files).toEqual({ 'lib/a.yaml': 'shared\n', 'own.yaml': 'own\n' });
  expect([before > 0, asked()]).toEqual([true, before]);
  expect(await readdir(join(ground.dir, 'modules'))).toHaveLength(1);
  await ground.repository.git('rm', '--quiet', '--cached', 'team/lib');
  await ground.repository.git('commit', '--quiet', '-m', 'without');
  expect((await readOf(mirror)).files).toEqual({ 'own.yaml': 'own\n' });
  expect(await readdir(join(ground.dir, 'modules'))).toEqual([]);
});

test('one repository may stand at two places with two commits, and beside the path none is looked at', async () => {
  await shared.write({ 'a.yaml': 'one\n' });
  const one = await shared.commit();
  await shared.write({ 'a.yaml': 'two\n' });
  const two = await shared.commit();
  const modules = [...'xyz'].map((name) => `[submodule "${name}"]\npath = ${name === 'z' ? '' : 'team/'}${name}\n`);
  await ground.repository.write({ '.gitmodules': modules.map((each) => `${each}url = ${relativeUrl()}\n`).join('') });
  await ground.repository.git('add', '--all');
  const links = [`${one},team/x`, `${two},team/y`, `${'1'.repeat(40)},z`, `${'1'.repeat(40)},team/.hidden/z`];
  for (const each of links) await ground.repository.git('update-index', '--add', '--cacheinfo', `160000,${each}`);
  await ground.repository.git('commit', '--quiet', '-m', 'link');
  expect(await readOf(mirrorOf())).toMatchObject({ files: { 'x/a.yaml': 'one\n', 'y/a.yaml': 'two\n' }, problems: [] });
});

test('without the option a submodule is not read', async () => {
  await link('team/lib', 'http://127.0.0.1:1/x', '1'.repeat(40));
  expect(await readOf(ground.mirrorOf())).toMatchObject({ files: {}, problems: [], complete: true });
});

test('a link out of a submodule is a problem with its whole path, as are files that differ by case from the source’s', async () => {
  await shared.link('../own.yaml', 'out.yaml');
  await shared.link('a.txt', 'in.yaml');
  await shared.write({ 'a.txt': 'in\n', 'b.yaml': 'b\n' });
  await ground.repository.write({ 'team/own.yaml': 'own\n', 'team/LIB/b.yaml': 'B\n' });
  await link('team/lib', relativeUrl(), await shared.commit());
  const { files, problems, complete } = await readOf(mirrorOf());
  expect([files, complete]).toEqual([{ 'own.yaml': 'own\n', 'lib/in.yaml': 'in\n' }, false]);
  expect(problems).toEqual([
    'the paths of files "lib/b.yaml" and "LIB/b.yaml" differ only by case, and neither is read; rename one of them',
    'symbolic link "lib/out.yaml" leads out of the folder; copy what it points to into the folder',
  ]);
});

test('a submodule in a submodule is a problem', async () => {
  await shared.write({ 'a.yaml': 'shared\n' });
  const commit = await link('deep/er', '../elsewhere', '1'.repeat(40), shared);
  await link('team/lib', relativeUrl(), commit);
  const { files, problems } = await readOf(mirrorOf());
  expect(files).toEqual({ 'lib/a.yaml': 'shared\n' });
  expect(problems).toEqual([
    'submodule "lib/deep/er" lies in another submodule, and only those of the source itself are read; make it one of these, or a source of its own',
  ]);
});

test('a submodule on another server, in a file, or without an entry is a problem, and the rest is read', async () => {
  await ground.repository.write({ 'team/own.yaml': 'own\n' });
  const commit = '1'.repeat(40);
  const problemWith = async (url: string) => {
    await link('team/lib', url, commit);
    const { files, problems } = await readOf(mirrorOf());
    expect(files).toEqual({ 'own.yaml': 'own\n' });
    return problems;
  };
  expect(await problemWith('http://127.0.0.1:1/x')).toEqual([
    `submodule "lib" is on http://127.0.0.1:1, and only ${ground.server.url} is asked, where the source is; move it there, or declare its repository as a source of its own`,
  ]);
  const unfit = [
    'submodule "lib" has a URL in .gitmodules that is not followed; write one by https or ssh, or a relative one, and no password',
  ];
  expect(await problemWith(`file://${shared.dir}`)).toEqual(unfit);
  const unlisted = [
    'submodule "lib" is not in .gitmodules, or that cannot be read; add it there, or remove the submodule',
  ];
  expect(await problemWith('"\n[')).toEqual(unlisted);
});

test('a submodule whose repository or commit is not there is said, and recovers', async () => {
  await shared.write({ 'a.yaml': 'shared\n' });
  const commit = await shared.commit();
  const mirror = mirrorOf();
  await link('team/lib', '../../nobody', commit);
  await expect(mirror.update(signal)).rejects.toThrow(
    `submodule "lib" of source ${ground.url}, which is ${ground.server.url}/nobody, commit "${commit}": there is no repository, or the credentials may not see it; it is tried again`,
  );
  await link('team/lib', relativeUrl(), '1'.repeat(40));
  await expect(mirror.update(signal)).rejects.toThrow(/it has no such branch, tag or commit; it is tried again/);
  await link('team/lib', relativeUrl(), commit);
  expect((await readOf(mirror)).files).toEqual({ 'lib/a.yaml': 'shared\n' });
});

test('a damaged mirror of a submodule is made anew', async () => {
  await shared.write({ 'a.yaml': 'shared\n' });
  await link('team/lib', relativeUrl(), await shared.commit());
  const mirror = mirrorOf();
  const { commit } = await mirror.update(signal);
  const modules = join(ground.dir, 'modules');
  const [name = ''] = await readdir(modules);
  await rm(join(modules, name, 'objects', 'pack'), { recursive: true });
  await expect(mirror.read(commit)).rejects.toThrow(/its mirror was damaged and has been removed/);
  expect((await readOf(mirror)).files).toEqual({ 'lib/a.yaml': 'shared\n' });
});

test('a redirect, which a source without credentials may answer with, is not followed for a submodule', async () => {
  const open = await createMirrored();
  const front = createServer(({ url }, response) => {
    response.writeHead(302, { location: `${open.server.url}${url}` }).end();
  }).listen(0, '127.0.0.1');
  await once(front, 'listening');
  try {
    await link('team/lib', relativeUrl(), await shared.commit(), open.repository);
    const url = `http://127.0.0.1:${(front.address() as AddressInfo).port}${open.path}`;
    await open.mirrorOf({ url }).update(signal);
    const update = open.mirrorOf({ url, submodules: true }).update(signal);
    await expect(update).rejects.toThrow(/^submodule "lib" of source .*: it redirects, and credentials do not follow/);
    expect(open.server.requests.filter((each) => each.includes(basename(shared.dir)))).toEqual([]);
  } finally {
    front.close();
    await open.close();
  }
});

test('of too many submodules none is read, and the rest is', async () => {
  await ground.repository.write({ 'team/own.yaml': 'own\n' });
  await ground.repository.git('add', '--all');
  const links = Array.from({ length: 101 }, (_, at) => ['--cacheinfo', `160000,${'1'.repeat(40)},team/m${at}`]);
  await ground.repository.git('update-index', '--add', ...links.flat());
  await ground.repository.git('commit', '--quiet', '-m', 'link');
  const { files, problems } = await readOf(mirrorOf());
  expect(files).toEqual({ 'own.yaml': 'own\n' });
  expect(problems).toEqual([
    'the folder has more than 100 submodules, and none is read; divide it into several sources',
  ]);
});

describe('the URL of a submodule', () => {
  test.each([
    ['https://git.example.org/data/p.git', '../../other/x.git', 'https://git.example.org/other/x.git'],
    ['https://git.example.org/p', 'https://GIT.example.org:443/x', 'https://git.example.org/x'],
    ['git@h:a/b.git', '../c.git', 'git@h:a/c.git'],
    ['git@h:a/b.git', 'ssh://git@h:22/c.git', 'ssh://git@h/c.git'],
    ['ssh://git@h:2222/a/b', './c/', 'ssh://git@h:2222/a/b/c'],
  ])('of %s, named as %s, is %s', (parent, named, url) => {
    expect(submoduleUrl(parent, named)).toEqual({ url });
  });

  test.each([
    ['https://h/p', 'http://h/p'],
    ['https://h/p', 'https://h:8443/p'],
    ['https://h/p', 'https://h\\@other/x'],
    ['https://h/p', 'https://user:word@h/x'],
    ['https://h/p', '../../x'],
    ['https://h/p', '/etc'],
    ['https://h/p', 'ext::sh -c x'],
    ['https://h/p', 'http::https://h/x'],
    ['https://h/p', 'https://h/x%0ahost=other'],
    ['git@h:a/b', 'root@h:c'],
    ['git@h:a/b', 'git@h:-x'],
    ['git@h:a/b', 'git@h:../c'],
    ['ssh://git@h/a', 'ssh://-oProxyCommand=x/a'],
    ['file:///srv/a', '../b'],
    ['/srv/a', '../b'],
  ])('of %s, named as %s, is not followed', (parent, named) => {
    expect(submoduleUrl(parent, named)).toEqual({ fact: expect.any(String) });
  });
});
