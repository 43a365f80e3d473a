import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { JobsConfig } from '../../../schemas/generated/types.ts';

const ownBuild = fileURLToPath(new URL('../../../', import.meta.url));

export type ReplicaOptions = {
  /** Holds the manifests in `pipelines`, and what replicas write. */
  readonly folder: string;
  readonly kubeconfig: string;
  readonly databaseUrl: string;
  readonly jobs: Omit<JobsConfig, 'reportPort'>;
  /** More of `start`. */
  readonly args?: readonly string[];
};

/** A controller as a process of this machine, which is started again whenever it dies, until it is told to end. */
export async function createReplica(options: ReplicaOptions & { name: string; reportPort: number }) {
  const { folder, name, reportPort, args: more = [] } = options;
  const jobs = join(folder, `${name}.json`);
  await writeFile(jobs, JSON.stringify({ ...options.jobs, reportPort }));
  const log = createWriteStream(join(folder, `${name}.log`), { flags: 'a' });
  let child: ChildProcess | null = null;
  let isWanted = false;
  // A test run that is ended from outside skips its teardown, and must not leave controllers behind.
  const end = () => void child?.kill('SIGKILL');
  process.once('exit', end);

  /** `build`: the folder of another Pipewright. Resolves with its exit code or signal, when it has ended. */
  function run({ build = ownBuild, environment = {} }: RunOptions): Promise<number | NodeJS.Signals> {
    const args = [
      '--dir',
      join(folder, 'pipelines'),
      '--home',
      join(folder, name),
      '--jobs',
      jobs,
      '--port',
      '0',
      ...more,
    ];
    const { PATH = '', HOME = '' } = process.env;
    const one = spawn(process.execPath, [join(build, 'cli/bin.mjs'), 'start', ...args, '--output', 'json'], {
      env: { PATH, HOME, KUBECONFIG: options.kubeconfig, DATABASE_URL: options.databaseUrl, ...environment },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    one.stderr.pipe(log, { end: false });
    child = one;
    return once(one, 'exit').then(([code, signal]) => code ?? signal);
  }

  async function keepUp(how: RunOptions): Promise<void> {
    while (isWanted) await run(how);
  }

  let kept: Promise<void> = Promise.resolve();
  return {
    name,
    reportPort,
    run,
    start(how: RunOptions = {}): void {
      isWanted = true;
      kept = keepUp(how);
    },
    /** Resolves when it has been up once since its first start. */
    async ready(): Promise<void> {
      while (!(await readFile(join(folder, `${name}.log`), 'utf8').catch(() => '')).includes('"ready at '))
        await delay(100);
    },
    log: () => readFile(join(folder, `${name}.log`), 'utf8'),
    isAlive: () => child !== null && child.exitCode === null && child.signalCode === null,
    signal: (signal: NodeJS.Signals) => child?.kill(signal),
    async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
      isWanted = false;
      process.off('exit', end);
      child?.kill(signal);
      // It may be frozen.
      child?.kill('SIGCONT');
      await kept;
    },
  };
}

type RunOptions = { readonly build?: string; readonly environment?: Readonly<Record<string, string>> };

export type Replica = Awaited<ReturnType<typeof createReplica>>;

/** A port of this machine that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
