import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { appendFile, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { type Account, chooseAccount } from '../../controller/store/embedded/account.ts';
import { findBinaries } from '../../controller/store/embedded/binaries.ts';

const password = 'test';

export type TestServer = {
  readonly url: string;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
  /** Ends it as the loss of its machine's power would, but for what was not synced to disk. */
  kill(): Promise<void>;
  /** Starts what was killed; resolves when it answers. */
  start(): Promise<void>;
};

/**
 * A throw-away Postgres in a temporary folder: nothing is synced to disk. `reachable`: another address that it listens on, and
 * whose neighbours it lets in.
 */
export async function startTestServer(options: { reachable?: string } = {}): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'pipewright-test-postgres-'));
  const data = join(folder, 'data');
  const account = chooseAccount(data);
  if (account) await chown(folder, account.uid, account.gid);
  await initialise(folder, data, account);
  const hosts = ['127.0.0.1', ...(options.reachable ? [options.reachable] : [])];
  if (options.reachable)
    await appendFile(join(data, 'pg_hba.conf'), `host all all ${options.reachable}/16 scram-sha-256\n`);
  const port = await freePort();
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  const launch = () =>
    spawn(findBinaries().postgres, ['-D', data, ...settings(port, hosts)], {
      ...ids(account),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  let child = launch();
  // A test run that is ended from outside skips its teardown, and must not leave a server behind.
  process.once('exit', () => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
  const server: TestServer = {
    url,
    async stop() {
      await end(child, 'SIGQUIT');
      await rm(folder, { recursive: true, force: true });
    },
    kill: () => end(child, 'SIGKILL'),
    async start() {
      // Backends outlive their postmaster for a moment, and until then the data folder is taken.
      for (let tries = 1; ; tries++) {
        child = launch();
        try {
          return await untilReady(url, child);
        } catch (error) {
          if (tries === 50) throw error;
          await delay(100);
        }
      }
    },
  };
  try {
    await untilReady(url, child);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

async function initialise(folder: string, data: string, account: Account): Promise<void> {
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, `${password}\n`);
  if (account) await chown(passwordFile, account.uid, account.gid);
  const flags = [
    '--username=postgres',
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
  ];
  const locale = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--no-sync'];
  await promisify(execFile)(findBinaries().initdb, ['-D', data, ...flags, ...locale], ids(account));
}

function settings(port: number, hosts: readonly string[]): string[] {
  const values = {
    port,
    listen_addresses: hosts.join(','),
    unix_socket_directories: '',
    fsync: 'off',
    // What was committed outlives a killed postmaster.
    synchronous_commit: hosts.length > 1 ? 'on' : 'off',
    full_page_writes: 'off',
    max_connections: 400,
    shared_buffers: '128MB',
    max_wal_size: '4GB',
    timezone: 'UTC',
    log_timezone: 'UTC',
  };
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  let output = '';
  child.stderr?.on('data', (chunk) => {
    output = (output + chunk).slice(-4000);
  });
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the test Postgres ended at its start: ${output}`);
    const client = new pg.Client(url);
    client.on('error', () => {});
    try {
      await client.connect();
      return await client.end();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }
}

/** SIGQUIT is an immediate shutdown: there is nothing to keep. */
async function end(child: ChildProcess, signal: 'SIGQUIT' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no free port on 127.0.0.1');
  return address.port;
}

function ids(account: Account): { uid?: number; gid?: number } {
  return account ? { uid: account.uid, gid: account.gid } : {};
}
