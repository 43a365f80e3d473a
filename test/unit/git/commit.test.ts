import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mergeBase, pathInRepository, readCommit, resolveCommit } from '../../../controller/git/commit.ts';
import { readFolder } from '../../../controller/git/folder.ts';
import { folderLimits, type Limits } from '../../../controller/git/limits.ts';
import { GitError } from '../../../controller/git/run.ts';
import { createTestRepository, type TestRepository } from '../../support/repository.ts';

let repository: TestRepository;
beforeEach(async () => {
  repository = await createTestRepository();
});
afterEach(() => repository.remove());

const read = (commit: string, path = '', limits: Limits = folderLimits) =>
  readCommit({ dir: repository.dir, commit, path, limits });
const codes = ({ problems }: { problems: { file: string; code: string }[] }) =>
  problems.map(({ file, code }) => `${file} ${code}`);

test('a commit reads as the folder that was committed', async () => {
  await repository.write({
    'a.yaml': 'kind: A\n',
    'sql/é è.sql': 'select 1\n',
    'node_modules/x.yaml': 'no',
    '.hidden/x.yaml': 'no',
    'notes.txt': 'no',
  });
  await repository.link('a.yaml', 'same.yaml');
  await repository.link('sql', 'more');
  const commit = await repository.commit();
  const found = await read(commit);
  expect([...found.files.keys()]).toEqual(['a.yaml', 'more/é è.sql', 'same.yaml', 'sql/é è.sql']);
  expect(found).toEqual(await readFolder(repository.dir));
});

test('an older commit and a path of it are read without touching the working tree', async () => {
  await repository.write({ 'team/a.yaml': 'old\n', 'b.yaml': 'b\n' });
  const old = await repository.commit();
  await repository.write({ 'team/a.yaml': 'new\n' });
  await repository.commit();
  expect((await read(old, 'team')).files).toEqual(new Map([['a.yaml', 'old\n']]));
  expect(await readFile(join(repository.dir, 'team/a.yaml'), 'utf8')).toBe('new\n');
  expect((await read(old, 'nobody')).files).toEqual(new Map());
});

test('links out of the folder, broken links, large files and what is no text are problems of their path', async () => {
  await repository.write({ 'a.yaml': 'a\n', 'big.sql': 'x'.repeat(200), 'bytes.yaml': Buffer.from([0xff, 0xfe, 0]) });
  for (const [target, path] of Object.entries({
    '/etc/passwd': 'out.yaml',
    '../other.yaml': 'up.yaml',
    gone: 'gone.yaml',
  }))
    await repository.link(target, path);
  const found = await read(await repository.commit(), '', { ...folderLimits, fileBytes: 100 });
  expect(codes(found)).toEqual([
    'big.sql too-large',
    'bytes.yaml unreadable-file',
    'gone.yaml unreadable-file',
    'out.yaml unsafe-path',
    'up.yaml unsafe-path',
  ]);
  expect(found.complete).toBe(false);
  expect([...found.files.keys()]).toEqual(['a.yaml']);
});

test('a commit with more than the limits allow is one problem', async () => {
  await repository.write({ 'a.yaml': 'a\n', 'b.yaml': 'b\n' });
  const commit = await repository.commit();
  expect(codes(await read(commit, '', { ...folderLimits, files: 1 }))).toEqual(['. too-many-files']);
  expect(codes(await read(commit, '', { ...folderLimits, totalBytes: 3 }))).toEqual(['. too-large']);
});

test('names are resolved to commits, and where two parted is found', async () => {
  const first = await repository.commit();
  await repository.git('tag', 'v1');
  await repository.git('switch', '--quiet', '-c', 'feature');
  const feature = await repository.commit();
  await repository.git('switch', '--quiet', 'main');
  const main = await repository.commit('other');
  expect(await resolveCommit(repository.dir, 'v1')).toBe(first);
  expect(await mergeBase(repository.dir, main, feature)).toBe(first);
  await mkdir(join(repository.dir, 'team'));
  expect(await pathInRepository(join(repository.dir, 'team'))).toBe('team');
});

test('what is no commit, no repository or no common history is said in a sentence', async () => {
  await repository.commit();
  await expect(resolveCommit(repository.dir, 'nope')).rejects.toThrow(/there is no commit "nope" here; fetch it/);
  await expect(resolveCommit(repository.dir, '--help')).rejects.toThrow(GitError);
  await repository.git('switch', '--quiet', '--orphan', 'apart');
  const apart = await repository.commit('apart');
  await expect(mergeBase(repository.dir, await resolveCommit(repository.dir, 'main'), apart)).rejects.toThrow(
    /no common history here; fetch the whole history/,
  );
  const elsewhere = await mkdtemp(join(tmpdir(), 'pipewright-none-'));
  await expect(resolveCommit(elsewhere, 'HEAD')).rejects.toThrow(/lies in no Git repository/);
  await rm(elsewhere, { recursive: true });
});

test('nothing in the configuration of a repository is obeyed', async () => {
  const marker = join(repository.dir, '.git', 'ran');
  const program = join(repository.dir, '.git', 'program');
  await writeFile(program, `#!/bin/sh\ntouch ${marker}\ncat\n`, { mode: 0o755 });
  await repository.write({ 'a.yaml': 'a\n', '.gitattributes': '*.yaml filter=evil export-ignore\n' });
  const commit = await repository.commit();
  for (const key of ['core.fsmonitor', 'core.pager', 'filter.evil.smudge', 'filter.evil.clean', 'core.sshCommand'])
    await repository.git('config', key, program);
  await repository.git('config', 'alias.ls-tree', `!${program}`);
  const found = await read(await resolveCommit(repository.dir, commit));
  expect(found.files).toEqual(new Map([['a.yaml', 'a\n']]));
  await expect(readFile(marker)).rejects.toThrow(/ENOENT/);
});
