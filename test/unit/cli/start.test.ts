import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createTestDatabase } from '../../support/postgres.ts';
import { pipewright } from './command.ts';
import { startController } from './started.ts';

let folder: string;
let database: { url: string; drop(): Promise<void> };
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pipewright-start-'));
  await mkdir(join(folder, 'pipelines'));
  database = await createTestDatabase();
});
afterEach(async () => {
  await database.drop();
  await rm(folder, { recursive: true });
});

/** A controller on a database of its own. */
const start = (...more: string[]) => startController(more, { cwd: folder, databaseUrl: database.url });

describe('start', () => {
  test('says where it is ready, and stops cleanly on Ctrl-C, also when that arrives twice at once', async () => {
    await writeFile(
      join(folder, 'pipelines', 'a.yaml'),
      'apiVersion: pipewright.dev/v1alpha1\nkind: Pipeline\nmetadata: { name: a }\nspec:\n  blocks:\n    - name: one\n      load: { inline: { rows: [{ n: 1 }] } }\n',
    );
    const { child, exit, url, stderr } = await start();
    await expect
      .poll(async () => (await pipewright(['pipelines', '--server', url])).stdout, { timeout: 30_000 })
      .toMatch(/^a +on demand +ready$/m);
    child.kill('SIGINT');
    // As npm does, which passes on what the terminal has sent to the whole group.
    child.kill('SIGINT');
    expect(await exit).toEqual([0, null]);
    expect(stderr()).toMatch(/stopping; once more leaves at once\n(.*\n)*stopped; /);
  });

  test('writes its log as JSON lines when asked to', async () => {
    const { child, exit, stderr } = await start('--output', 'json');
    child.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
    const records = stderr()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(records.map((record) => record.msg)).toContain('store migrated');
  });

  test('says in one sentence that its port is taken, and ends with 2', async () => {
    const server: Server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const { code, stdout, stderr } = await pipewright(
      ['start', '--port', String(port), '--database-url', database.url],
      { cwd: folder },
    );
    server.close();
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(
      `pipewright: port ${port} of 127.0.0.1 is taken by another program; stop it, or choose another port with --port\n`,
    );
  });

  test('says in one sentence that its folder is not there, or its database does not answer', async () => {
    const refused = async (...args: string[]) => {
      const { code, stdout, stderr } = await pipewright(['start', '--port', '0', ...args], { cwd: folder });
      expect([code, stdout]).toEqual([2, '']);
      return stderr;
    };
    expect(await refused('--dir', 'nowhere')).toBe(
      'pipewright: folder "nowhere" cannot be read (ENOENT); create it or name another one\n',
    );
    expect(await refused('--database-url', 'postgres://me:secret@127.0.0.1:1/store')).toBe(
      'pipewright: Postgres at 127.0.0.1:1, database "store", user "me": connect ECONNREFUSED 127.0.0.1:1; start it, or correct DATABASE_URL\n',
    );
  });
});
