import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openHome } from '../../controller/store/home.ts';

const fixture = fileURLToPath(new URL('../support/fixtures/hold-home.ts', import.meta.url));

let folder: string;
let home: string;
let children: ChildProcess[];

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'pipewright-home-')));
  home = join(folder, 'home');
  children = [];
});

afterEach(async () => {
  await Promise.all(children.map(end));
  await rm(folder, { recursive: true });
});

/** Another process that tries to take the home; resolves to what it says of it: `held`, or its error. */
async function startHolder(): Promise<{ child: ChildProcess; said: string }> {
  const child = spawn(process.execPath, [fixture, home], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [text] = await once(child.stdout!, 'data');
  return { child, said: String(text).trim() };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

test('the folders of a home are made, and only its owner may look into them', async () => {
  const { path, release } = await openHome({ path: home });
  expect(path).toBe(home);
  for (const name of ['attempts', 'bundles', 'artifacts', 'secrets']) {
    expect((await stat(join(home, name))).mode & 0o777).toBe(0o700);
  }
  expect((await stat(home)).mode & 0o066).toBe(0);
  await release();
});

test('the path of a home is its real one', async () => {
  await openHome({ path: home }).then((each) => each.release());
  await symlink(home, join(folder, 'link'));
  const opened = await openHome({ path: join(folder, 'link') });
  expect(opened.path).toBe(home);
  await opened.release();
});

test('a home that another process holds is refused in one sentence that names the process', async () => {
  const { child } = await startHolder();
  await expect(openHome({ path: home })).rejects.toThrow(
    `home "${home}": another controller (process ${child.pid}) is using it; stop that one, or choose another folder with --home`,
  );
});

test('a home whose holder was killed is free', async () => {
  const { child } = await startHolder();
  await end(child);
  await openHome({ path: home }).then((each) => each.release());
});

test('a home that was released is free while its former holder still runs', async () => {
  for (const _ of [1, 2, 3]) await openHome({ path: home }).then((each) => each.release());
  const held = await openHome({ path: home });
  await expect(openHome({ path: home })).rejects.toThrow(/is using it/);
  await held.release();
});

test('of many that start at once on the home of a killed holder exactly one gets it', async () => {
  const first = await startHolder();
  await end(first.child);
  const said = (await Promise.all(Array.from({ length: 12 }, startHolder))).map((each) => each.said);
  expect(said.filter((each) => each === 'held')).toHaveLength(1);
  expect(said.filter((each) => each.includes('is using it'))).toHaveLength(11);
});

test('starters that take turns within one process never hold it together', async () => {
  let holders = 0;
  let turns = 0;
  const starter = async () => {
    while (turns < 150) {
      const opened = await openHome({ path: home }).catch(() => null);
      if (!opened) continue;
      holders += 1;
      turns += 1;
      expect(holders).toBe(1);
      await new Promise(setImmediate);
      holders -= 1;
      await opened.release();
    }
  };
  await Promise.all(Array.from({ length: 8 }, starter));
  expect((await readdir(home)).filter((name) => name.startsWith('controller.lock'))).toHaveLength(1);
});

test('a lock file that a power cut left empty does not keep anybody out', async () => {
  await openHome({ path: home }).then((each) => each.release());
  const [lock] = (await readdir(home)).filter((name) => name.startsWith('controller.lock'));
  await writeFile(join(home, lock!), '');
  await openHome({ path: home }).then((each) => each.release());
});

test('a file in the way of the home is named in one sentence', async () => {
  await writeFile(home, '');
  await expect(openHome({ path: home })).rejects.toThrow(
    `home "${home}": it cannot be made, because a file of that name is in the way; choose another folder with --home`,
  );
  await expect(openHome({ path: join(home, 'below') })).rejects.toThrow(/a part of that path is a file/);
});
