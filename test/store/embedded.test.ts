import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdtemp, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { boundLog } from '../../controller/store/embedded/log-file.ts';
import { type Embedded, startEmbedded } from '../../controller/store/embedded/start.ts';
import { stopServer } from '../../controller/store/embedded/stop.ts';
import { openHome } from '../../controller/store/home.ts';
import { identifyProcess } from '../../schemas/processes.ts';

const isRoot = process.getuid?.() === 0;
const nobody = 65534;
const log = pino({ level: 'silent' });
const fixture = fileURLToPath(new URL('../support/fixtures/start-embedded.ts', import.meta.url));

let folder: string;
/** A home with a cluster, which all tests use one after the other: to set up another takes two seconds. */
let common: string;
let home: string;
let running: Embedded[] = [];
let children: ChildProcess[] = [];

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'pipewright-embedded-')));
  await chmod(folder, 0o711);
  common = await newHome(folder);
  home = common;
  await (await start()).stop();
});

afterEach(async () => {
  await Promise.all(children.map(end));
  await Promise.all(running.map((each) => each.stop()));
  children = [];
  running = [];
  home = common;
});

afterAll(() => rm(folder, { recursive: true }));

async function newHome(parent: string): Promise<string> {
  const path = join(parent, `home-${randomBytes(4).toString('hex')}`);
  await openHome({ path }).then((each) => each.release());
  return path;
}

async function start(): Promise<Embedded> {
  const embedded = await startEmbedded({ home, log });
  running.push(embedded);
  return embedded;
}

/** The message of the error that a start ends in. */
async function refusal(): Promise<string> {
  return start().then(
    () => 'it started',
    (error: Error) => error.message,
  );
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url);
  client.on('error', () => {});
  await client.connect();
  return (await client.query(text).finally(() => client.end())).rows;
}

function warehouseUrl({ warehouse }: Embedded, database = warehouse.POSTGRES_DBNAME): string {
  const { POSTGRES_USER: user, POSTGRES_PASSWORD: password, POSTGRES_HOST: host, POSTGRES_PORT: port } = warehouse;
  return `postgres://${user}:${password}@${host}:${port}/${database}`;
}

function serverPid(): number {
  return Number(execFileSync('head', ['-1', join(home, 'postgres/data/postmaster.pid')], { encoding: 'utf8' }));
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** A controller, as far as Postgres is concerned, in a process that can be killed. */
function startController(): ChildProcess {
  const child = spawn(process.execPath, [fixture, home], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  return child;
}

function drafts(): string[] {
  return readdirSync(home).filter((name) => name.startsWith('postgres.new-'));
}

describe('what it offers', () => {
  test('the store and the warehouse are two databases, and the role of the warehouse reaches only its own', async () => {
    const embedded = await start();
    expect(await query(embedded.url, 'select current_database() as name, current_setting($$fsync$$) as fsync')).toEqual(
      [{ name: 'pipewright', fsync: 'on' }],
    );
    await query(warehouseUrl(embedded), 'create schema ny_taxi; create table ny_taxi.trips (n int)');
    expect(await query(warehouseUrl(embedded), 'select rolsuper from pg_roles where rolname = current_user')).toEqual([
      { rolsuper: false },
    ]);
    for (const other of ['pipewright', 'postgres', 'template1']) {
      await expect(query(warehouseUrl(embedded, other), 'select 1')).rejects.toThrow(/permission denied for database/);
    }
  });

  test('nobody gets in without the password', async () => {
    const { url } = await start();
    await expect(query(url.replace(/:[0-9a-f]+@/, ':wrong@'), 'select 1')).rejects.toThrow(
      /password authentication failed/,
    );
  });

  test('it listens on 127.0.0.1 only, and on no socket in the file system', async () => {
    const { url } = await start();
    expect(
      await query(
        url,
        "select current_setting('listen_addresses') as tcp, current_setting('unix_socket_directories') as socket",
      ),
    ).toEqual([{ tcp: '127.0.0.1', socket: '' }]);
  });

  test('passwords are in files that only their owner can read', async () => {
    const { warehouse } = await start();
    for (const name of ['postgres/server.json', 'warehouse.json']) {
      expect((await stat(join(home, name))).mode & 0o777).toBe(0o600);
    }
    expect(JSON.parse(await readFile(join(home, 'warehouse.json'), 'utf8'))).toEqual(warehouse);
  });

  test('it runs in a session of its own', async () => {
    await start();
    expect(execFileSync('ps', ['-o', 'pgid=', '-p', String(serverPid())], { encoding: 'utf8' }).trim()).toBe(
      String(serverPid()),
    );
  });

  test('data and port are the same after a stop and a start', async () => {
    const first = await start();
    await query(first.url, 'drop table if exists kept; create table kept as select 1 as n');
    await first.stop();
    await expect(query(first.url, 'select 1')).rejects.toThrow();
    const second = await start();
    expect(second.url).toBe(first.url);
    expect(await query(second.url, 'select n from kept')).toEqual([{ n: 1 }]);
  });
});

describe('what it survives', () => {
  test('a server that a killed controller left is taken over', async () => {
    const controller = startController();
    const [url] = await once(controller.stdout!, 'data');
    const pid = serverPid();
    await end(controller);
    const embedded = await start();
    expect(embedded.url).toBe(String(url).trim());
    expect(serverPid()).toBe(pid);
    await embedded.stop();
    expect(identifyProcess(pid)).toBeNull();
  });

  test('a server that is still starting when its controller is killed is taken over or started anew', async () => {
    const controller = startController();
    await expect.poll(() => existsSync(join(home, 'postgres/data/postmaster.pid')), { interval: 1 }).toBe(true);
    await end(controller);
    expect(await query((await start()).url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('a server on the folder that does not know the password is not taken for ours', async () => {
    const first = await start();
    const settings = join(home, 'postgres/server.json');
    const text = await readFile(settings, 'utf8');
    await writeFile(settings, text.replace(/"password":"\w+"/, '"password":"wrong"'));
    expect(await refusal()).toMatch(
      /^embedded Postgres: process \d+ runs a Postgres on ".*", which does not let Pipewright in \(password authentication failed.*\); end it \(kill \d+\) and start again$/,
    );
    await writeFile(settings, text);
    expect(await query(first.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('a server that is stopping is waited for', async () => {
    const first = await start();
    process.kill(serverPid(), 'SIGINT');
    const second = await start();
    expect(await query(second.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await first.stop();
  });

  const moments: [string, () => boolean][] = [
    ['has begun', () => drafts().length > 0],
    ['has written its first files', () => drafts().some((name) => existsSync(join(home, name, 'data/PG_VERSION')))],
    [
      'makes its databases',
      () =>
        drafts().some(
          (name) => existsSync(join(home, name, 'data/base/5')) && !existsSync(join(home, name, 'password')),
        ),
    ],
  ];
  test.each(moments)(
    'a controller that is killed when the set-up %s leaves nothing that the next start minds',
    async (_, reached) => {
      home = await newHome(folder);
      const controller = startController();
      await expect.poll(reached, { interval: 1, timeout: 20_000 }).toBe(true);
      await end(controller);
      const embedded = await start();
      expect(await query(embedded.url, 'select 1 as one')).toEqual([{ one: 1 }]);
      expect(await query(warehouseUrl(embedded), 'select 1 as one')).toEqual([{ one: 1 }]);
    },
  );

  test('remains of a set-up that was cut off are removed by the next one', async () => {
    home = await newHome(folder);
    await promisify(execFile)('cp', ['-a', join(common, 'postgres'), join(home, 'postgres.new-00000000')]);
    await start();
    expect(drafts()).toEqual([]);
  });

  test('a server that was killed recovers what was committed', async () => {
    const { url } = await start();
    await query(url, 'drop table if exists kept; create table kept as select 1 as n');
    const server = identifyProcess(serverPid())!;
    process.kill(server.pid, 'SIGKILL');
    const second = await start();
    expect(await query(second.url, 'select n from kept')).toEqual([{ n: 1 }]);
  });

  test('a server that is killed under a running controller is started again on the same port', async () => {
    const { url } = await start();
    const pid = serverPid();
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => query(url, 'select 1 as one').catch(() => null), { timeout: 20_000 }).toEqual([{ one: 1 }]);
    expect(serverPid()).not.toBe(pid);
  });

  test('a stale postmaster.pid whose number belongs to a stranger by now is no obstacle, and the stranger lives on', async () => {
    const stranger = spawn('sleep', ['600']);
    children.push(stranger);
    const data = join(home, 'postgres/data');
    await writeFile(join(data, 'postmaster.pid'), `${stranger.pid}\n${data}\n0\n5432\n\n127.0.0.1\n\nready   \n`);
    await start();
    expect(stranger.exitCode).toBeNull();
  });

  test('a port that is taken is left to its owner, and the new one is kept', async () => {
    const { port } = JSON.parse(await readFile(join(home, 'postgres/server.json'), 'utf8'));
    const owner = createServer().listen(port, '127.0.0.1');
    await once(owner, 'listening');
    const first = await start();
    owner.close();
    expect(new URL(first.url).port).not.toBe(String(port));
    expect(first.warehouse.POSTGRES_PORT).toBe(new URL(first.url).port);
    await first.stop();
    expect((await start()).url).toBe(first.url);
  });

  test('a session that does not let go is thrown out', async () => {
    const { url } = await start();
    const client = new pg.Client(url);
    client.on('error', () => {});
    await client.connect();
    const { rows } = await client.query('select pg_backend_pid() as pid');
    process.kill(rows[0].pid, 'SIGSTOP');
    const server = identifyProcess(serverPid())!;
    await stopServer({ identity: server, log, fastMs: 100 });
    expect(identifyProcess(server.pid)).toBeNull();
    await client.end().catch(() => {});
  });
});

describe('what it says in one sentence', () => {
  const damages: { that: string; path: string; content?: string; sentence: RegExp }[] = [
    {
      that: 'its version is missing',
      path: 'data/PG_VERSION',
      sentence:
        /^embedded Postgres: ".*postgres" is not complete: ".*PG_VERSION" is missing; restore it from a backup, or move ".*postgres" away to begin anew$/,
    },
    {
      that: 'its control file is missing',
      path: 'data/global/pg_control',
      sentence: /^embedded Postgres: ".*" is not complete: ".*pg_control" is missing; restore/,
    },
    {
      that: 'its data is missing',
      path: 'data',
      sentence: /^embedded Postgres: ".*" is not complete: ".*" is missing; restore/,
    },
    {
      that: 'its passwords are missing',
      path: 'server.json',
      sentence: /^embedded Postgres: ".*" is not complete: ".*server.json" is missing; restore/,
    },
    {
      that: 'its passwords are damaged',
      path: 'server.json',
      content: '{',
      sentence:
        /^embedded Postgres: ".*server.json", which holds its port and passwords, cannot be understood; restore/,
    },
    {
      that: 'it is of another major version',
      path: 'data/PG_VERSION',
      content: '17\n',
      sentence:
        /^embedded Postgres: ".*postgres" was made by Postgres 17, and this Pipewright brings Postgres 18; start the Pipewright that made it/,
    },
    {
      that: 'its control file is damaged',
      path: 'data/global/pg_control',
      content: 'x'.repeat(8192),
      sentence:
        /^embedded Postgres: it did not start \((FATAL|PANIC): .*; more in ".*postgres.log"\); if its folder is damaged, restore/,
    },
    {
      that: 'its configuration is damaged',
      path: 'data/postgresql.conf',
      content: '= =\n',
      sentence: /^embedded Postgres: it did not start \(FATAL: .*postgresql.conf/,
    },
  ];
  test.each(damages)('that $that', async ({ path, content, sentence }) => {
    const part = join(home, 'postgres', path);
    await rename(part, join(folder, 'aside'));
    if (content) await writeFile(part, content);
    expect(await refusal()).toMatch(sentence);
    await rm(part, { force: true });
    await rename(join(folder, 'aside'), part);
  });

  test('that its folder cannot be read', async () => {
    const { mode } = await stat(join(home, 'postgres/data'));
    await chmod(join(home, 'postgres/data'), 0o000);
    // Root may read everything; what it does as somebody else may not.
    if (isRoot) process.seteuid?.(nobody);
    const message = await refusal();
    if (isRoot) process.seteuid?.(0);
    await chmod(join(home, 'postgres/data'), mode);
    expect(message).toMatch(
      /^embedded Postgres: ".*" cannot be read \(EACCES\); start as the user who started Pipewright there before/,
    );
  });

  test('that root has put the home under a folder that others cannot enter, and which folder', async ({ skip }) => {
    skip(!isRoot, 'only root starts Postgres as another user');
    const closed = await mkdtemp(join(folder, 'closed-'));
    home = await newHome(closed);
    expect(await refusal()).toMatch(
      new RegExp(
        `^embedded Postgres: it does not run as root but as user "\\w+", who cannot enter "${closed}"; choose another folder with --home, start as another user, or set DATABASE_URL$`,
      ),
    );
    await rm(closed, { recursive: true });
  });

  describe('that no space is left', () => {
    beforeEach(({ skip }) => skip(!isRoot, 'only root may mount a file system that is as small'));
    const mount = async (size: string) => {
      home = await newHome(folder);
      await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=711`, 'tmpfs', home]);
    };
    afterEach(() => isRoot && promisify(execFile)('umount', [home]));

    test('for the set-up', async () => {
      await mount('100m');
      expect(await refusal()).toBe(
        `embedded Postgres: only 100 MB are free, and it needs at least 200 MB, at "${home}"; free some space, or choose another folder with --home`,
      );
      expect(readdirSync(home)).toEqual([]);
    });

    test('for a start', async () => {
      await mount('200m');
      await promisify(execFile)('cp', ['-a', join(common, 'postgres'), home]);
      await writeFile(join(home, 'ballast'), Buffer.alloc(200 * 1024 * 1024)).catch(() => {});
      expect(await refusal()).toBe(
        `embedded Postgres: only 0 MB are free, and it needs at least 20 MB, at "${home}"; free some space, or choose another folder with --home`,
      );
    });
  });
});

test('the log is kept below its limit, and its older part stays readable', async () => {
  const path = join(home, 'postgres.log');
  await writeFile(path, 'old line\n'.repeat(10));
  await boundLog(path, 1000);
  expect((await stat(path)).size).toBe(90);
  await boundLog(path, 50);
  expect((await stat(path)).size).toBe(0);
  expect(await readFile(`${path}.1`, 'utf8')).toContain('old line');
});
