import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Account } from './account.ts';
import type { Binaries } from './binaries.ts';
import { embeddedError, isNoSpace, type Layout, layoutOf, noSpaceError, notInstalledError } from './layout.ts';
import { newSettings, type Settings, writeSettings } from './settings.ts';
import { checkSpace } from './space.ts';

const prefix = 'postgres.new-';

/**
 * Makes the cluster: superuser `pipewright`, database `pipewright` for the store, database `warehouse` with its own role, which
 * cannot connect to the store. Everything happens in a folder of another name, renamed when it is complete and on disk:
 * a crash before that leaves a folder that the next start removes.
 */
export async function initialise(options: { layout: Layout; account: Account; binaries: Binaries }): Promise<void> {
  const { layout, account, binaries } = options;
  await removeLeftovers(layout.home);
  await checkSpace(layout, 'setUp');
  const draft = layoutOf(layout.home, join(layout.home, prefix + randomBytes(4).toString('hex')));
  try {
    await mkdir(draft.folder, { mode: 0o700 });
    if (account) await chown(draft.folder, account.uid, account.gid);
    const settings = await newSettings();
    await writeSettings(draft, settings);
    await createCluster({ draft, account, binaries, settings });
    // Here a crash leaves a complete cluster under the wrong name, which nobody has used yet: it is made again.
    await rename(draft.folder, layout.folder);
    await syncFolder(layout.home);
  } catch (error) {
    await rm(draft.folder, { recursive: true, force: true }).catch(() => {});
    throw explain(error as Error, layout);
  }
}

async function createCluster(options: {
  draft: Layout;
  account: Account;
  binaries: Binaries;
  settings: Settings;
}): Promise<void> {
  const { draft, account, binaries, settings } = options;
  const passwordFile = join(draft.folder, 'password');
  await writeFile(passwordFile, `${settings.password}\n`, { mode: 0o600 });
  if (account) await chown(passwordFile, account.uid, account.gid);
  const place = { account, folder: draft.folder };
  // Collation by code point and in UTF-8 without the system's library, whose next version would order text otherwise.
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const access = ['--username=pipewright', '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  await run(binaries.initdb, ['-D', draft.data, '--no-sync', ...locale, ...access], place);
  await rm(passwordFile);
  await run(binaries.postgres, ['--single', '-F', '-D', draft.data, 'postgres'], {
    ...place,
    input: statements(settings),
  });
  // Once, for both programs; each would do it by itself otherwise.
  await run(binaries.initdb, ['-D', draft.data, '--sync-only'], place);
}

/** A line each: the single-user mode ends a statement at the end of its line. The passwords are hexadecimal. */
function statements(settings: Settings): string {
  return [
    `create role warehouse login password '${settings.warehousePassword}'`,
    'create database pipewright',
    'create database warehouse owner warehouse',
    'revoke connect, temporary on database pipewright from public',
    'revoke connect, temporary on database postgres from public',
    'revoke connect, temporary on database template1 from public',
    '',
  ].join(';\n');
}

type Place = { account: Account; folder: string; input?: string };

/** Runs a program of Postgres to its end; throws what it printed when it failed. */
async function run(program: string, args: string[], { account, folder, input }: Place): Promise<void> {
  const child = spawn(program, args, {
    ...(account && { uid: account.uid, gid: account.gid }),
    cwd: folder,
    env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
    // In a session of its own: a Ctrl-C on the terminal must not break it, the controller itself stops when it is done.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  // A program that ends early closes its input; its own words say why.
  child.stdin.on('error', () => {}).end(input);
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  // The single-user mode ends well whatever became of its statements.
  if (code !== 0 || /\b(ERROR|FATAL|PANIC):/.test(output))
    throw new Error(output.trim().split('\n').slice(-5).join(' | '));
}

async function removeLeftovers(home: string): Promise<void> {
  const names = (await readdir(home)).filter((name) => name.startsWith(prefix));
  // A program that a killed controller left may still write there for a moment; then the next start removes it.
  await Promise.all(names.map((name) => rm(join(home, name), { recursive: true, force: true }).catch(() => {})));
}

function explain(error: Error, layout: Layout): Error {
  if (isNoSpace(error)) return noSpaceError(layout);
  const notInstalled = notInstalledError(error.message);
  if (notInstalled) return notInstalled;
  const fact = `it could not be set up under "${layout.home}" (${error.message})`;
  return embeddedError(fact, 'choose another folder with --home, or set DATABASE_URL', error);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  await handle.sync().finally(() => handle.close());
}
