import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { embeddedError, type Layout } from './layout.ts';

/** What must be known to reach a cluster. It lies beside the data, because its passwords belong to that data only. */
export type Settings = { readonly port: number; readonly password: string; readonly warehousePassword: string };

export async function newSettings(): Promise<Settings> {
  const password = () => randomBytes(24).toString('hex');
  return { port: await freePort(), password: password(), warehousePassword: password() };
}

export async function writeSettings(layout: Layout, settings: Settings): Promise<void> {
  await replaceFile(layout.settings, `${JSON.stringify(settings)}\n`);
}

export async function readSettings(layout: Layout): Promise<Settings> {
  try {
    const { port, password, warehousePassword } = JSON.parse(await readFile(layout.settings, 'utf8'));
    if (Number.isInteger(port) && typeof password === 'string' && typeof warehousePassword === 'string') {
      return { port, password, warehousePassword };
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== undefined) throw error;
  }
  throw embeddedError(
    `"${layout.settings}", which holds its port and passwords, cannot be understood`,
    `restore it from a backup, or move "${layout.folder}" away to begin anew`,
  );
}

/** The store, as superuser. */
export function urlOf({ port, password }: Settings): string {
  return `postgres://pipewright:${password}@127.0.0.1:${port}/pipewright`;
}

/** The environment in which connections find the warehouse: a database of its own, and a role that is no superuser. */
export function warehouseEnvironment(settings: Settings): Record<string, string> {
  return {
    POSTGRES_HOST: '127.0.0.1',
    POSTGRES_PORT: String(settings.port),
    POSTGRES_DBNAME: 'warehouse',
    POSTGRES_USER: 'warehouse',
    POSTGRES_PASSWORD: settings.warehousePassword,
  };
}

/** Writes `<home>/warehouse.json`, where `run --local` finds the warehouse of a controller on the same home. */
export async function writeWarehouseEnv(layout: Layout, settings: Settings): Promise<void> {
  await replaceFile(
    join(layout.home, 'warehouse.json'),
    `${JSON.stringify(warehouseEnvironment(settings), null, 2)}\n`,
  );
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no free port on 127.0.0.1');
  return address.port;
}

/** By rename, so that a reader never sees half of it; only its owner may read it. */
async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.new`;
  await writeFile(temporary, text, { mode: 0o600, flush: true });
  await rename(temporary, path);
}
