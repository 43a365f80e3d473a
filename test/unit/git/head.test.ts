import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readHead, watchHead } from '../../../controller/git/head.ts';
import { createTestRepository, type TestRepository } from '../../support/repository.ts';

let repository: TestRepository;
let stop: AbortController;
beforeEach(async () => {
  repository = await createTestRepository();
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await repository.remove();
});

/** The commits that HEAD named after each change that was told of. */
async function watched(dir = repository.dir): Promise<string[]> {
  const seen: string[] = [];
  const onChange = () => void readHead(dir).then(({ revision }) => seen.push(revision));
  await watchHead({ dir, onChange, signal: stop.signal }).ready;
  return seen;
}

test('reads what is committed below the folder, and who made the commit', async () => {
  await repository.write({ 'pipelines/a.yaml': 'one', 'b.yaml': 'elsewhere' });
  const commit = await repository.commit();
  await repository.write({ 'pipelines/a.yaml': 'changed', 'pipelines/new.yaml': 'not committed' });
  const { files, revision, author, problems } = await readHead(join(repository.dir, 'pipelines'));
  expect([...files]).toEqual([['a.yaml', 'one']]);
  expect([revision, author, problems]).toEqual([commit, 'Ada <ada@example.org>', []]);
});

test('says in a sentence that the folder is not there, lies in no repository, or that nothing is committed', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'pipewright-no-repository-'));
  await expect(readHead(join(dir, 'nowhere'))).rejects.toThrow(/cannot be read \(ENOENT\); create it/);
  await expect(readHead(dir)).rejects.toThrow(/lies in no Git repository; name a folder of one/);
  await expect(readHead(repository.dir)).rejects.toThrow(/there is no commit "HEAD" here/);
  await rm(dir, { recursive: true });
});

describe('a change is told of', () => {
  test('when something is committed, and not when it is only written', async () => {
    await repository.write({ 'a.yaml': 'one' });
    await repository.commit();
    const seen = await watched();
    await repository.write({ 'a.yaml': 'two' });
    const second = await repository.commit();
    await expect.poll(() => seen.at(-1)).toBe(second);
    const before = seen.length;
    await repository.write({ 'a.yaml': 'three' });
    const third = await repository.commit();
    await expect.poll(() => seen.at(-1)).toBe(third);
    expect(seen.slice(before).every((commit) => commit === third)).toBe(true);
  });

  test('when another branch is checked out, or the branch is moved back', async () => {
    const first = await repository.commit();
    const second = await repository.commit();
    const seen = await watched();
    await repository.git('checkout', '--quiet', '-b', 'other', first);
    await expect.poll(() => seen.at(-1)).toBe(first);
    await repository.git('checkout', '--quiet', 'main');
    await expect.poll(() => seen.at(-1)).toBe(second);
    await repository.git('reset', '--quiet', '--hard', first);
    await expect.poll(() => seen.at(-1)).toBe(first);
  });

  test('when the branch of a second work tree moves', async () => {
    await repository.commit();
    const tree = `${repository.dir}-tree`;
    await repository.git('worktree', 'add', '--quiet', '-b', 'other', tree);
    const seen = await watched(tree);
    const moved = await repository.commit();
    await repository.git('-C', tree, 'reset', '--quiet', '--hard', moved);
    await expect.poll(() => seen.at(-1)).toBe(moved);
    await rm(tree, { recursive: true });
  });
});
