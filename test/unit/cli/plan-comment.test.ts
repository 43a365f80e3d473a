import { afterEach, beforeEach, expect, test } from 'vitest';
import { startForgeServer } from '../../support/forge-server.ts';
import { createTestRepository, type TestRepository } from '../../support/repository.ts';
import { pipewright } from './command.ts';

let repository: TestRepository;
let forge: Awaited<ReturnType<typeof startForgeServer>>;
/** What the forge answers to a write. */
let written: { status: number; body: object };
beforeEach(async () => {
  written = { status: 201, body: { id: 5 } };
  forge = await startForgeServer(({ method, path }) =>
    method === 'GET' ? { status: 200, body: path === '/api/v1/user' ? { id: 1 } : [] } : written,
  );
  repository = await createTestRepository();
  await repository.write({ 'pipelines/a.yaml': manifest('a', 1), 'other/b.yaml': manifest('b', 1) });
  await repository.commit();
});
afterEach(async () => {
  await forge.stop();
  await repository.remove();
});

function manifest(name: string, rows: number): string {
  return `apiVersion: pipewright.dev/v1alpha1
kind: Pipeline
metadata: { name: ${name} }
spec: { blocks: [{ name: rows, load: { inline: { rows: [{ n: ${rows} }] } } }] }
`;
}

const address = () => `${forge.url}/acme/pipelines/pulls/7`;
const plan = (args: readonly string[] = [], env: Record<string, string> = { PIPEWRIGHT_FORGE_TOKEN: 'the-token' }) =>
  pipewright(['plan', '--comment', address(), ...args], { cwd: repository.dir, env });
const posted = () =>
  forge.calls.flatMap(({ method, body }) => (method === 'POST' ? [(body as { body: string }).body] : []));

test('prints the plan, and leaves it as Markdown on the pull request', async () => {
  await repository.write({ 'pipelines/a.yaml': manifest('a', 2) });
  const { code, stdout, stderr } = await plan();
  expect(stdout).toContain('~ a changed (a.yaml)');
  expect(stderr).toBe(`comment made at ${address()}\n`);
  expect(code).toBe(2);
  expect(posted()).toEqual([expect.stringMatching(/^<!-- pipewright plan of pipelines -->\n### Pipewright plan/)]);
});

test('has a comment of its own for each folder', async () => {
  await repository.write({ 'pipelines/a.yaml': manifest('a', 2), 'other/b.yaml': manifest('b', 2) });
  await plan();
  await plan(['--path', 'other']);
  expect(posted().map((body) => body.split('\n')[0])).toEqual([
    '<!-- pipewright plan of pipelines -->',
    '<!-- pipewright plan of other -->',
  ]);
});

test('makes no comment where nothing changes', async () => {
  expect(await plan()).toMatchObject({
    code: 0,
    stderr: `nothing changes, so ${address()} gets no comment\n`,
  });
  expect(posted()).toEqual([]);
});

test('stays below what forges take, and says that there is more', async () => {
  const many = Array.from({ length: 1_000 }, (_, at) => manifest(`p-${'x'.repeat(40)}-${at}`, 1));
  await repository.write({ 'pipelines/a.yaml': many.join('---\n') });
  await plan();
  expect(posted()[0]?.length).toBeLessThan(65_536);
  expect(posted()[0]).toMatch(/… and \d+ more parts; `pipewright plan` prints them all\.\s*$/);
});

test('needs a token, and an address of a pull request', async () => {
  expect(await plan([], {})).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('PIPEWRIGHT_FORGE_TOKEN; set it'),
  });
  const elsewhere = await plan(['--comment', 'https://git.example.org/acme/pipelines']);
  expect(elsewhere).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is no address of a pull request; write'),
  });
});

test('that the forge refuses is said in a sentence without the token, after the plan', async () => {
  written = { status: 403, body: { message: 'read only' } };
  await repository.write({ 'pipelines/a.yaml': manifest('a', 2) });
  const { code, stdout, stderr } = await plan();
  expect(stdout).toContain('~ a changed (a.yaml)');
  expect(stderr).toMatch(/answered 403 \(read only\); check the repository, and that the token may write there/);
  expect(stderr).not.toContain('the-token');
  expect(code).toBe(1);
});
