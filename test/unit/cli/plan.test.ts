import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTestRepository, type TestRepository } from '../../support/repository.ts';
import { pipewright } from './command.ts';

let repository: TestRepository;
beforeEach(async () => {
  repository = await createTestRepository();
  await repository.write({ 'pipelines/a.yaml': manifest('a', 1), 'pipelines/b.yaml': manifest('b', 1) });
  await repository.commit();
});
afterEach(() => repository.remove());

function manifest(name: string, rows: number): string {
  return `apiVersion: pipewright.dev/v1alpha1
kind: Pipeline
metadata: { name: ${name} }
spec: { blocks: [{ name: rows, load: { inline: { rows: [{ n: ${rows} }] } } }] }
`;
}

const plan = (...args: string[]) => pipewright(['plan', ...args], { cwd: repository.dir });

test('of an untouched folder says that nothing changes, with exit code 0', async () => {
  const { code, stdout } = await plan();
  expect(stdout).toBe('nothing changes; 2 pipelines stay as they are\n');
  expect(code).toBe(0);
});

test('of changed files shows them against the commit that is checked out, with exit code 2', async () => {
  await repository.write({ 'pipelines/a.yaml': manifest('a', 2) });
  const { code, stdout } = await plan();
  expect(stdout).toContain('~ a changed (a.yaml)');
  expect(code).toBe(2);
});

test('of two branches leaves out what the base has gained since they parted', async () => {
  await repository.git('switch', '--quiet', '-c', 'feature');
  await repository.write({ 'pipelines/c.yaml': manifest('c', 1) });
  await repository.commit();
  await repository.git('switch', '--quiet', 'main');
  await repository.write({ 'pipelines/d.yaml': manifest('d', 1) });
  await repository.commit('other');
  const { code, stdout } = await plan('--base', 'main', '--head', 'feature', '--output', 'json');
  expect(JSON.parse(stdout)).toMatchObject({ unchanged: 2, pipelines: [{ name: 'c', kind: 'added' }] });
  expect(code).toBe(2);
});

test('of an environment compares both sides in it, also where the base has none of that name', async () => {
  const variable = manifest('a', 1).replace('spec: {', 'spec: { variables: { day: { type: string, default: x } },');
  await repository.write({ 'pipelines/a.yaml': variable });
  await repository.commit();
  const overlay = manifest('a', 1).replace(/spec: .*/, 'spec: { variables: { day: { default: y } } }');
  await repository.write({ 'pipelines/environments/production/a.yaml': overlay });
  const { code, stdout } = await plan('--env', 'production');
  expect(stdout).toContain('variables.day.default: x → y');
  expect(code).toBe(2);
  expect(await plan()).toMatchObject({
    code: 2,
    stdout: 'environment production changes, which plan --env production shows; 2 pipelines stay as they are\n',
  });
});

test('with problems shows their places and ends with exit code 1', async () => {
  await repository.write({ 'pipelines/a.yaml': manifest('a', 1).replace('blocks', 'blokcs') });
  const { code, stdout } = await plan('--output', 'sarif');
  const [run] = JSON.parse(stdout).runs;
  expect(run.results[0].locations[0].physicalLocation).toMatchObject({
    artifactLocation: { uri: 'pipelines/a.yaml' },
    region: { startLine: 4 },
  });
  expect(code).toBe(1);
});

test('of a folder that is gone retires what was in it', async () => {
  await repository.git('rm', '--quiet', '-r', 'pipelines');
  const { code, stdout } = await plan();
  expect(stdout).toMatch(/2 pipelines retire/);
  expect(code).toBe(2);
});

test('of what is no commit, or lies elsewhere, says so in a sentence', async () => {
  expect(await plan('--base', 'nope')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('there is no commit "nope"'),
  });
  expect(await plan('--path', '..')).toMatchObject({ code: 1, stderr: expect.stringContaining('lies outside') });
});
