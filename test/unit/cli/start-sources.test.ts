import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createClient } from '../../../controller/api/client.ts';
import { startGitServer } from '../../support/git-server.ts';
import { manifest } from '../../support/ledger.ts';
import { createTestDatabase } from '../../support/postgres.ts';
import { createTestRepository, type TestRepository } from '../../support/repository.ts';
import { pipewright } from './command.ts';
import { startController } from './started.ts';

const soon = { timeout: 30_000 };
const token = 'open sesame';

let folder: string;
let database: { url: string; drop(): Promise<void> };
let repository: TestRepository;
let server: Awaited<ReturnType<typeof startGitServer>>;
let end: () => Promise<void>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pipewright-start-'));
  database = await createTestDatabase();
  repository = await createTestRepository();
  server = await startGitServer(dirname(repository.dir), { user: 'robot', password: token });
  end = async () => {};
});
afterEach(async () => {
  await end();
  await server.stop();
  await repository.remove();
  await database.drop();
  await rm(folder, { recursive: true, maxRetries: 5 });
});

const declaration = (name: string, spec: string) =>
  `apiVersion: pipewright.dev/v1alpha1\nkind: PipelineSource\nmetadata: { name: ${name} }\nspec: ${spec}\n---\n`;
const write = async (path: string, text: string) => {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
};

async function start(...more: string[]) {
  const started = await startController(more, { cwd: folder, databaseUrl: database.url });
  end = started.end;
  const client = createClient({ server: started.url });
  const names = async () => (await client.pipelines()).pipelines.map(({ name, source }) => `${name} of ${source}`);
  return { client, names, stderr: started.stderr };
}

test('follows folders and repositories side by side, each with its own secret, and one that is refused stops no other', async () => {
  const url = `${server.url}/${basename(repository.dir)}/.git`;
  await repository.write({ 'x.yaml': manifest('x') });
  await repository.commit();
  await write('one/a.yaml', manifest('a'));
  await write(
    'git.yaml',
    declaration('team', `{ git: { url: "${url}", secretRef: { name: team-git } }, interval: 1s }`) +
      declaration('denied', `{ git: { url: "${url}", secretRef: { name: nobody } }, interval: 1s }`),
  );
  await write('folder.yaml', declaration('one', `{ folder: { path: ${join(folder, 'one')} } }`));
  await write('.pipewright/source-secrets/team-git/username', 'robot\n');
  await write('.pipewright/source-secrets/team-git/password', `${token}\n`);

  const { client, names, stderr } = await start('--source', 'git.yaml', '--source', 'folder.yaml');
  await expect.poll(names, soon).toEqual(['a of one', 'x of team']);
  const failure = async () => (await client.sources()).sources.find(({ name }) => name === 'denied')?.failure;
  await expect.poll(failure, soon).toMatch(/^secret "nobody" is not there; make the folder source-secrets\/nobody/);

  await write('.pipewright/source-secrets/nobody/password', 'guessed');
  await expect.poll(failure, soon).toMatch(/it refuses the credentials/);
  await write('.pipewright/source-secrets/nobody/username', 'robot');
  await write('.pipewright/source-secrets/nobody/password', token);
  await expect.poll(failure, soon).toBe(null);
  await write('one/b.yaml', manifest('b'));
  await repository.write({ 'y.yaml': manifest('y') });
  await repository.commit();
  await expect.poll(names, soon).toEqual(['a of one', 'b of one', 'x of team', 'y of team']);
  expect(stderr()).not.toMatch(new RegExp(`${token}|guessed`));
});

test('reads of a folder only what is committed with `--at head`', async () => {
  await repository.write({ 'x.yaml': manifest('x') });
  await repository.commit();
  await repository.write({ 'y.yaml': manifest('y') });
  const { client, names } = await start('--dir', repository.dir, '--at', 'head');
  await expect.poll(names, soon).toEqual(['x of local']);
  const commit = await repository.commit();
  await expect.poll(names, soon).toEqual(['x of local', 'y of local']);
  expect((await client.sources()).sources).toMatchObject([
    { name: 'local', kind: 'folder', ref: 'HEAD', revision: commit, author: 'Ada <ada@example.org>' },
  ]);
});

test('refuses declarations with problems, all of them at once, and flags that do not fit together', async () => {
  const refused = async (...args: string[]) => {
    const { code, stdout, stderr } = await pipewright(['start', ...args], { cwd: folder });
    expect([code, stdout]).toEqual([2, '']);
    return stderr;
  };
  await write('bad.yaml', declaration('a', '{ git: { url: "ext::sh" } }') + declaration('b', '{ fodler: {} }'));
  const said = await refused('--source', 'bad.yaml');
  expect(said).toMatch(/^bad\.yaml:4:21 error source "a": git\.url is "ext::sh", which does not fit/m);
  expect(said).toMatch(/^bad\.yaml:9:9 error source "b" has no field "fodler"; did you mean "folder"\?/m);
  expect(said).toContain('pipewright: --source: 2 problems in what declares the sources; correct them\n');
  expect(await refused('--source', 'nowhere.yaml')).toContain('--source nowhere.yaml: it cannot be read (ENOENT)');
  await write('local.yaml', declaration('local', '{ folder: { path: /data } }'));
  expect(await refused('--source', 'local.yaml', '--dir', '.')).toContain(
    '--source declares "local", which is what --dir is called; rename it',
  );
  expect(await refused('--git', 'https://example.org/x', '--dir', '.')).toContain('keep one');
  expect(await refused('--git', 'git@example.org:x')).toContain('declare the source with a secretRef');
});
