import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { createTestDatabase } from './postgres.ts';

const bin = fileURLToPath(new URL('../../cli/bin.mjs', import.meta.url));

type Options = {
  /** A folder of which the controller gets a copy. */
  readonly manifests?: string;
  /** What else says where manifests come from. */
  readonly sources?: readonly string[];
  readonly environment?: Record<string, string>;
};

/**
 * A real controller in a process of its own, on a home, a folder with manifests, a store and a warehouse of its own, to be
 * killed and started again at will.
 */
export async function createTestController({ manifests, sources = [], ...options }: Options) {
  const root = await mkdtemp(join(tmpdir(), 'pipewright-chaos-'));
  const home = join(root, 'home');
  const dir = join(root, 'pipelines');
  if (manifests !== undefined) await cp(manifests, dir, { recursive: true });
  const from = [...(manifests === undefined ? [] : ['--dir', dir]), ...sources];
  const store = await createTestDatabase();
  const warehouse = await createTestDatabase();
  const ledger = new pg.Pool({ connectionString: store.url, options: '-c search_path=pipewright', max: 3 });
  const target = new pg.Pool({ connectionString: warehouse.url, max: 3 });
  for (const pool of [ledger, target]) pool.on('error', () => {});
  const log = createWriteStream(join(root, 'controller.log'), { flags: 'a' });
  let child: ChildProcess | null = null;
  let url: Promise<string> | null = null;

  function start(environment: Record<string, string> = {}): ChildProcess {
    const started = spawn(
      process.execPath,
      [bin, 'start', ...from, '--home', home, '--port', '0', '--allow-env', 'TAXI_BASE_URL'],
      {
        env: {
          ...baseEnvironment(),
          DATABASE_URL: store.url,
          ...connection(warehouse.url),
          ...options.environment,
          ...environment,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    started.stdout?.pipe(log, { end: false });
    started.stderr?.pipe(log, { end: false });
    url = new Promise((resolve) => {
      let text = '';
      started.stderr?.on('data', (chunk) => {
        text += chunk;
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(text);
        if (found) resolve(found[0]);
      });
    });
    child = started;
    return started;
  }

  async function ended(process: ChildProcess): Promise<void> {
    if (process.exitCode === null && process.signalCode === null) await once(process, 'exit');
  }

  const controllerLog = () => readFile(join(root, 'controller.log'), 'utf8');

  return {
    home,
    dir,
    ledger,
    target,
    start,
    url: () => url as Promise<string>,
    alive: () => child !== null && child.exitCode === null && child.signalCode === null,
    async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
      if (!child) return;
      child.kill(signal);
      await ended(child);
    },
    /** Starts the controller again whenever it dies, until `done`. Throws with the controller's log after `withinMs`. */
    async keepAlive(done: () => Promise<boolean>, environment: Record<string, string> = {}, withinMs = 50_000) {
      const deadline = performance.now() + withinMs;
      while (!(await done().catch(() => false))) {
        if (performance.now() > deadline) throw new Error(`it is not over:\n${await controllerLog()}`);
        if (child === null || child.exitCode !== null || child.signalCode !== null) start(environment);
        await delay(50);
      }
    },
    log: controllerLog,
    async close(): Promise<void> {
      if (child && child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await ended(child);
      }
      for (const pid of await strays(home)) process.kill(pid, 'SIGKILL');
      await ledger.end();
      await target.end();
      await store.drop();
      await warehouse.drop();
      await rm(root, { recursive: true, force: true });
    },
  };
}

export type TestController = Awaited<ReturnType<typeof createTestController>>;

/** Processes whose command line carries the home's path: controllers and runners. Zombies have an empty command line. */
async function strays(home: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) =>
      (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).includes(home) ? [Number(pid)] : [],
    ),
  );
  return found.flat();
}

/** Runners only: processes that work on an attempt of this home. One that is free stands in no attempt's folder. */
export async function runners(home: string): Promise<number[]> {
  const attempts = join(home, 'attempts');
  const found = await strays(attempts);
  const folders = await Promise.all(found.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => '')));
  return found.filter((_, at) => folders[at]?.startsWith(attempts));
}

function baseEnvironment(): Record<string, string> {
  const { PATH = '', HOME = '', LANG = 'C.UTF-8' } = process.env;
  return { PATH, HOME, LANG };
}

function connection(url: string): Record<string, string> {
  const { hostname, port, pathname, username, password } = new URL(url);
  return {
    POSTGRES_HOST: hostname,
    POSTGRES_PORT: port,
    POSTGRES_DBNAME: pathname.slice(1),
    POSTGRES_USER: decodeURIComponent(username),
    POSTGRES_PASSWORD: decodeURIComponent(password),
  };
}
