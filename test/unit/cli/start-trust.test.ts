import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createClient } from '../../../controller/api/client.ts';
import { manifest } from '../../support/ledger.ts';
import { createMirrored, type Mirrored } from '../../support/mirrored.ts';
import { createTestDatabase } from '../../support/postgres.ts';
import { startSshServer } from '../../support/ssh-server.ts';
import { startController } from './started.ts';

const run = promisify(execFile);
const soon = { timeout: 30_000 };

let ground: Mirrored;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let server: Awaited<ReturnType<typeof startSshServer>>;
let end: () => Promise<void>;
beforeEach(async () => {
  ground = await createMirrored();
  database = await createTestDatabase();
  await mkdir(join(ground.home, 'ssh'));
  server = await startSshServer(join(ground.home, 'ssh'));
  end = async () => {};
});
afterEach(async () => {
  await end();
  server.stop();
  await database.drop();
  await rm(ground.home, { recursive: true, maxRetries: 5 });
  await ground.close();
});

const write = async (path: string, text: string) => {
  await mkdir(dirname(join(ground.home, path)), { recursive: true });
  await writeFile(join(ground.home, path), text);
};

async function start(...args: string[]) {
  const started = await startController(args, { cwd: ground.home, databaseUrl: database.url });
  end = started.end;
  const client = createClient({ server: started.url });
  return { source: async () => (await client.sources()).sources[0], stderr: started.stderr };
}

/** Everything that is in the tables. */
async function rows(): Promise<string> {
  const client = new pg.Client(database.url);
  await client.connect();
  const { rows } = await client.query("select database_to_xml(true, false, '')::text as text");
  await client.end();
  return rows[0].text;
}

test('a signed release is read by ssh, an unsigned one is refused with a sentence, and no key is told to anybody', async () => {
  const { repository } = ground;
  const signer = await server.makeKey('signer');
  const sign = ['-c', 'gpg.format=ssh', '-c', `user.signingkey=${signer.file}`];
  await repository.write({ 'team/x.yaml': manifest('x') });
  const first = await repository.commit();
  await repository.git(...sign, 'tag', '-s', 'v1.0.0', '-m', 'first');
  await write('.pipewright/source-secrets/deploy/identity', server.identity);
  await write('.pipewright/source-secrets/deploy/known_hosts', server.knownHosts);
  await write('.pipewright/source-secrets/signers/allowed_signers', `ada@example.org ${signer.line}\n`);
  await write(
    'source.yaml',
    `apiVersion: pipewright.dev/v1alpha1
kind: PipelineSource
metadata: { name: team }
spec:
  interval: 1s
  git:
    url: ${server.url(`${repository.dir}/.git`)}
    ref: { semver: 1.x }
    path: team
    secretRef: { name: deploy }
    verify: { mode: tag, signersRef: { name: signers } }
`,
  );
  const { source, stderr } = await start('--source', 'source.yaml');
  await expect.poll(source, soon).toMatchObject({ revision: first, failure: null, pipelines: 1 });

  await repository.write({ 'team/y.yaml': manifest('y') });
  const second = await repository.commit();
  await repository.git('tag', '-a', 'v1.1.0', '-m', 'second');
  const failure = async () => (await source())?.failure;
  await expect.poll(failure, soon).toMatch(/semver "1.x": tag "v1.1.0" bears no signature, and only signed ones/);
  expect(await source()).toMatchObject({ revision: first, pipelines: 1 });
  await repository.git(...sign, 'tag', '-f', '-s', 'v1.1.0', '-m', 'second');
  await expect.poll(source, soon).toMatchObject({ revision: second, failure: null, pipelines: 2 });

  // Its middle line is in no other key.
  const secret = (await readFile(join(ground.home, 'ssh/login'), 'utf8')).split('\n')[3] ?? '';
  expect(secret.length).toBeGreaterThan(20);
  expect(stderr()).not.toContain(secret);
  expect(await rows()).not.toContain(secret);
  const { stdout } = await run('grep', ['-rlF', secret, join(ground.home, '.pipewright')]);
  expect(stdout.trim()).toBe(join(ground.home, '.pipewright/source-secrets/deploy/identity'));
});
