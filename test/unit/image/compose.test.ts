import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { createTestDatabase } from '../../support/postgres.ts';
import { pipewright } from '../cli/command.ts';
import { startController } from '../cli/started.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
type Service = { readonly command: readonly string[]; readonly environment?: Record<string, string> };

test('compose.yaml gives the examples what they read: its commands and variables, without the containers', {
  timeout: 120_000,
}, async () => {
  const { services } = parse(await readFile(join(root, 'compose.yaml'), 'utf8')) as {
    services: Record<'pipewright' | 'sample', Service>;
  };
  const home = await mkdtemp(join(tmpdir(), 'pipewright-compose-'));
  const database = await createTestDatabase();
  const [, ...sampleArgs] = services.sample.command;
  const sample = spawn(process.execPath, [...sampleArgs.map(onLoopback), '--port=0'], { cwd: root });
  let end = async () => {};
  try {
    const [line] = await once(sample.stdout.setEncoding('utf8'), 'data');
    const { hostname, port, username, password, pathname } = new URL(database.url);
    // Where the services find each other, here: all else is as the file says.
    const places: Record<string, string> = {
      POSTGRES_HOST: hostname,
      POSTGRES_PORT: port,
      POSTGRES_DBNAME: pathname.slice(1),
      POSTGRES_USER: username,
      POSTGRES_PASSWORD: password,
      TAXI_BASE_URL: new URL(String(line).trim()).origin,
    };
    const { DATABASE_URL: _store, ...environment } = services.pipewright.environment ?? {};
    const env = Object.fromEntries(Object.keys(environment).map((name) => [name, places[name] as string]));
    const [, ...args] = services.pipewright.command;
    const paths: Record<string, string> = { '--dir=/pipelines': `--dir=${root}pipelines` };
    const started = args.map((arg) => paths[arg] ?? arg.replace('/var/lib/pipewright', home));
    const controller = await startController(started, {
      cwd: home,
      databaseUrl: database.url,
      env: { ...env, POSTGRES_PORT: port },
    });
    end = controller.end;
    const shown = async () => (await pipewright(['runs', '--server', controller.url])).stdout;
    await expect
      .poll(shown, { timeout: 60_000, interval: 500 })
      .toMatch(/^yellow-taxi-to-postgres-2019-01 +Succeeded/m);
  } finally {
    await end();
    sample.kill();
    await database.drop();
    await rm(home, { recursive: true, force: true });
  }
});

const onLoopback = (arg: string) => arg.replace('0.0.0.0', '127.0.0.1');
