import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { chmod, chown, cp, link, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chooseAccount } from '../../../controller/store/embedded/account.ts';
import { installPackages } from '../../cluster/support/packages.ts';
import { findBuilt } from '../../support/go-build.ts';

const run = promisify(execFile);
const sources = fileURLToPath(new URL('../gitea', import.meta.url));
/** A first start on a machine builds it. Milliseconds. */
export const firstStart = 1_800_000;
const owner = 'ada';

export type Gitea = Awaited<ReturnType<typeof startGitea>>;

export function findGitea(): Promise<string> {
  const say = (line: string) => void process.stderr.write(`test forge: ${line}\n`);
  return findBuilt({ name: 'gitea', sources, purpose: 'the test forge', what: 'Gitea', say });
}

/**
 * A Gitea of its own on 127.0.0.1, over HTTP and SSH, with one user who may do all. It refuses to run as root, so root hands it to
 * another user, who may not be able to enter the cache: it runs from a copy.
 */
export async function startGitea() {
  await installPackages('git');
  const built = await findGitea();
  const folder = await mkdtemp(join(tmpdir(), 'pipewright-gitea-'));
  await chmod(folder, 0o755);
  const work = join(folder, 'work');
  const account = chooseAccount(work);
  await mkdir(work);
  await copy(built, join(folder, 'program'));
  const [port, sshPort] = [await freePort(), await freePort()];
  const config = join(work, 'app.ini');
  await writeFile(config, settings({ folder, work, port, sshPort, user: account?.name ?? process.env.USER ?? '' }));
  if (account) for (const path of [work, config]) await chown(path, account.uid, account.gid);
  const options = {
    cwd: work,
    env: { PATH: process.env.PATH ?? '', HOME: work, USER: account?.name ?? process.env.USER ?? '' },
    ...(account && { uid: account.uid, gid: account.gid }),
  };
  const gitea = join(folder, 'program', 'gitea');
  const admin = (...args: string[]) => run(gitea, ['--config', config, ...args], options);
  await admin('migrate');
  const token = await createUser(admin);
  const child = spawn(gitea, ['--config', config, 'web'], { ...options, stdio: 'ignore' });
  // A test run that is ended from outside skips its teardown, and must not leave a server behind.
  process.once('exit', () => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  const url = `http://127.0.0.1:${port}`;
  await untilReady(child, `${url}/api/healthz`);

  /** One call of its API. Throws what it refused. */
  async function api<T = unknown>(method: string, path: string, body?: object): Promise<T> {
    const headers = { authorization: `token ${token}`, 'content-type': 'application/json' };
    const answer = await fetch(`${url}/api/v1${path}`, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return (text === '' ? null : JSON.parse(text)) as T;
  }

  return {
    url,
    owner,
    token,
    api,
    /** For Git over HTTP by its owner. */
    httpUrl: (name: string) => `${url}/${owner}/${name}.git`,
    sshUrl: (name: string) => `ssh://${account?.name ?? process.env.USER}@127.0.0.1:${sshPort}/${owner}/${name}.git`,
    /** The lines of `known_hosts` for its SSH server. */
    async knownHosts(): Promise<string> {
      const { stdout } = await run('ssh-keyscan', ['-p', String(sshPort), '127.0.0.1']);
      return stdout;
    },
    /** An empty, private repository. */
    createRepository: (name: string) => api('POST', '/user/repos', { name, private: true, default_branch: 'main' }),
    async stop(): Promise<void> {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await Promise.race([ended, delay(5_000).then(() => child.kill('SIGKILL'))]);
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** By links, where the file system lets us, since it is a hundred megabytes. */
async function copy(built: string, program: string): Promise<void> {
  await mkdir(program);
  const [from, to] = [join(built, 'gitea'), join(program, 'gitea')];
  await link(from, to).catch(() => cp(from, to));
  for (const part of ['templates', 'options', 'public']) {
    await cp(join(built, part), join(program, part), { recursive: true });
  }
}

async function createUser(admin: (...args: string[]) => Promise<{ stdout: string }>): Promise<string> {
  const who = ['--username', owner, '--password', 'not-a-secret', '--email', `${owner}@example.org`];
  const may = ['--admin', '--must-change-password=false', '--access-token', '--access-token-scopes', 'all'];
  const { stdout } = await admin('admin', 'user', 'create', ...who, ...may);
  const token = /\b[0-9a-f]{40}\b/.exec(stdout)?.[0];
  if (token === undefined) throw new Error(`Gitea gave no token: ${stdout}`);
  return token;
}

type Place = { folder: string; work: string; port: number; sshPort: number; user: string };

/** Loopback only, nothing that works by itself, and web hooks to this machine allowed. */
function settings({ folder, work, port, sshPort, user }: Place): string {
  return `RUN_USER = ${user}
WORK_PATH = ${work}
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = ${port}
ROOT_URL = http://127.0.0.1:${port}/
STATIC_ROOT_PATH = ${join(folder, 'program')}
START_SSH_SERVER = true
SSH_LISTEN_HOST = 127.0.0.1
SSH_DOMAIN = 127.0.0.1
SSH_PORT = ${sshPort}
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
PATH = ${join(work, 'gitea.db')}
[security]
INSTALL_LOCK = true
PASSWORD_HASH_ALGO = pbkdf2_v1
[service]
DISABLE_REGISTRATION = true
[webhook]
ALLOWED_HOST_LIST = *
[actions]
ENABLED = false
[cron]
ENABLED = false
[log]
MODE = file
LEVEL = warn
ROOT_PATH = ${join(work, 'log')}
`;
}

async function untilReady(child: ChildProcess, url: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (
    !(await fetch(url).then(
      (answer) => answer.ok,
      () => false,
    ))
  ) {
    if (child.exitCode !== null || performance.now() > deadline) throw new Error('Gitea did not start');
    await delay(50);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
