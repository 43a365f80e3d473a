import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  createCommitReader,
  mergeBase,
  pathInRepository,
  readCommit,
  resolveCommit,
} from '../../../controller/git/commit.ts';
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

test('links are followed as in a folder, to whatever they lead', async () => {
  await repository.write({
    'notes.txt': 'kind: A\n',
    '.hidden/below/b.yaml': 'kind: B\n',
    'sql/deep/c.sql': 'select 1\n',
    'README.md': 'no',
  });
  for (const [path, target] of Object.entries({
    'from-text.yaml': 'notes.txt',
    'from-hidden': '.hidden/below',
    'chain.yaml': 'chain-2.yaml',
    'chain-2.yaml': './sql/../from-hidden/b.yaml',
    'sql/up.sql': '../notes.txt',
    '.hidden/below/beside.yaml': '../below/b.yaml',
    'sql/deep/round': '../..',
    'circle.yaml': 'circle.yaml',
    'slash.yaml': 'notes.txt/',
    'file.yaml': 'notes.txt/below',
    'folder.sql': 'sql',
    'gone.txt': 'nowhere',
    'gone.yaml': 'sql/nowhere.sql',
    'out.yaml': '/etc/passwd',
    'out.md': '/etc/passwd',
    'out-folder': '../..',
  }))
    await repository.link(target, path);
  const found = await read(await repository.commit());
  expect(found).toEqual(await readFolder(repository.dir));
  expect(found.files.get('from-text.yaml')).toBe('kind: A\n');
  expect(found.files.get('chain.yaml')).toBe('kind: B\n');
  expect(codes(found)).toEqual([
    'circle.yaml unreadable-file',
    'file.yaml unreadable-file',
    'gone.yaml unreadable-file',
    'out-folder unsafe-path',
    'out.yaml unsafe-path',
    'slash.yaml unreadable-file',
  ]);
});

test('links that multiply end at the limits', async () => {
  await repository.write({ 'f0/a.yaml': 'a\n' });
  for (let depth = 1; depth < 16; depth++) {
    await mkdir(join(repository.dir, `f${depth}`));
    for (const name of ['x', 'y']) await repository.link(`../f${depth - 1}`, `f${depth}/${name}`);
  }
  const found = await read(await repository.commit(), '', { ...folderLimits, entries: 5_000 });
  expect(codes(found)).toEqual(['. too-many-files']);
});

test('pointers of Git LFS, and paths that differ only by case, are problems of their files in both ways of reading', async () => {
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 12\n`;
  await repository.write({ 'a.yaml': 'a\n', 'large.sql': pointer, 'team/b.yaml': 'b\n', 'team/B.yaml': 'B\n' });
  const found = await read(await repository.commit());
  expect(found).toEqual(await readFolder(repository.dir));
  expect([...found.files.keys()]).toEqual(['a.yaml']);
  expect(found.complete).toBe(false);
  expect(found.problems.map(({ message }) => message)).toEqual([
    'file "large.sql" is a pointer of Git LFS, whose content is not fetched; commit the file itself',
    'the paths of files "team/b.yaml" and "team/B.yaml" differ only by case, and neither is read; rename one of them',
  ]);
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
  expect(codes(await read(commit, '', { ...folderLimits, entries: 1 }))).toEqual(['. too-many-files']);
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

test('a clone without the contents of files is said, and nothing is fetched in passing', async () => {
  await repository.write({ 'a.yaml': 'a\n' });
  const commit = await repository.commit();
  await repository.git('config', 'uploadpack.allowFilter', 'true');
  const clone = await mkdtemp(join(tmpdir(), 'pipewright-clone-'));
  const from = `file://${repository.dir}`;
  await repository.git('clone', '--quiet', '--filter=blob:none', '--no-checkout', from, clone);
  await expect(readCommit({ dir: clone, commit, path: '' })).rejects.toThrow(
    /commit \w{12} lacks the content of "a.yaml" here; fetch it, or clone anew/,
  );
  await rm(clone, { recursive: true });
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

test('of a commit only what the one before did not have is read', async () => {
  await repository.write({ 'a.yaml': 'kind: A\n', 'b.yaml': 'kind: B\n' });
  const readNext = createCommitReader({ dir: repository.dir, path: '' });
  await readNext(await repository.commit());
  const kept = await repository.git('rev-parse', 'HEAD:a.yaml');
  await repository.write({ 'b.yaml': 'kind: C\n' });
  await repository.git('mv', 'a.yaml', 'moved.yaml');
  const commit = await repository.commit();
  await rm(join(repository.dir, '.git/objects', kept.slice(0, 2), kept.slice(2)));
  const next = await readNext(commit);
  expect([...next.files]).toEqual([
    ['b.yaml', 'kind: C\n'],
    ['moved.yaml', 'kind: A\n'],
  ]);
});
