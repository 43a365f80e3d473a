import { execFile, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createMirrored, type Mirrored } from '../../support/mirrored.ts';

const run = promisify(execFile);
const { signal } = new AbortController();

let ground: Mirrored;
beforeEach(async () => {
  ground = await createMirrored();
  await ground.repository.write({ 'team/a.yaml': 'one\n', 'team/sub/b.sql': 'select 1\n' });
  await ground.repository.link('sub', 'team/more');
  await ground.repository.commit();
});
afterEach(() => ground.close());

/** Looks until it reads what is there; a damage that is only found by reading costs one look. */
async function readSoon(text: string): Promise<void> {
  const mirror = ground.mirrorOf();
  await expect
    .poll(
      async () => {
        const { commit } = await mirror.update(signal);
        return (await mirror.read(commit)).files.get('a.yaml');
      },
      { timeout: 20_000 },
    )
    .toBe(text);
}

test('a mirror with any of its files cut off, filled with rubbish or gone reads as before', async () => {
  const mirror = ground.mirrorOf();
  const { commit } = await mirror.update(signal);
  const names = async () =>
    (
      await run('find', [
        ground.dir,
        '-type',
        'f',
        '-not',
        '-path',
        '*/hooks/*',
        '-not',
        '-path',
        '*/info/*',
        '-not',
        '-name',
        'description',
      ])
    ).stdout.split('\n');
  const kinds = new Map((await names()).filter(Boolean).map((name) => [name.replace(/[0-9a-f]{40}/, 'X'), name]));
  expect([...kinds.keys()].join()).toMatch(/X\.pack/);
  const damages = [
    (file: string) => truncate(file, 10),
    (file: string) => writeFile(file, randomBytes(300)),
    (file: string) => rm(file),
  ];
  for (const kind of kinds.keys()) {
    for (const [number, damage] of damages.entries()) {
      const file = (await names()).find((name) => name.replace(/[0-9a-f]{40}/, 'X') === kind);
      if (file) await run('chmod', ['u+w', file]).then(() => damage(file));
      // Right after it, or, as after a restart, with an update before: never as a folder with less in it, of which pipelines would retire.
      const mirror = ground.mirrorOf();
      if (number === 1) await mirror.update(signal);
      const found = await mirror.read(commit).catch(() => null);
      if (found) expect([...found.files.keys()]).toEqual(['a.yaml', 'more/b.sql', 'sub/b.sql']);
      await readSoon('one\n');
    }
  }
});

test('Git killed at any moment of a fetch leaves nothing that stops the next one', async () => {
  await ground.repository.write({ 'team/large.sql': randomBytes(3_000_000) });
  await ground.repository.commit();
  for (const after of [5, 15, 30, 60, 100, 150, 250]) {
    const mirror = ground.mirrorOf();
    const updating = mirror.update(signal).catch((error: Error) => error);
    await new Promise((resolve) => setTimeout(resolve, after));
    // Every process that works in the mirror, as a machine that runs out of memory ends one of them.
    await run('sh', [
      '-c',
      `for p in /proc/[0-9]*; do [ "$(readlink $p/cwd)" = "${ground.dir}" ] && kill -9 \${p#/proc/}; done; true`,
    ]);
    await updating;
    await readSoon('one\n');
  }
});

test('locks and halves of packs that a killed Git left are cleared away', async () => {
  const mirror = ground.mirrorOf();
  await mirror.update(signal);
  for (const name of [
    'shallow.lock',
    'config.lock',
    'packed-refs.lock',
    'refs/pipewright/head.lock',
    'objects/pack/tmp_pack_x',
  ])
    await writeFile(join(ground.dir, name), randomBytes(1000));
  await ground.repository.write({ 'team/a.yaml': 'two\n' });
  await ground.repository.commit();
  await readSoon('two\n');
  expect((await readdir(ground.dir, { recursive: true })).filter((name) => /lock$|tmp_/.test(name))).toEqual([]);
});

test('a controller that is killed in the midst of a fetch does not stop the next one', async () => {
  await ground.repository.write({ 'team/large.sql': randomBytes(3_000_000) });
  await ground.repository.commit();
  const code = `import { createMirror } from './controller/git/mirror.ts';
    console.log('go');
    await createMirror(${JSON.stringify({ dir: ground.dir, remote: { url: ground.url, ref: { branch: 'main' }, path: 'team' } })}).update(new AbortController().signal);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  await expect.poll(() => readdir(join(ground.dir, 'objects/pack')).catch(() => [])).not.toEqual([]);
  child.kill('SIGKILL');
  await once(child, 'close');
  await readSoon('one\n');
});

test('a fetch that brings more than it may, or takes longer, is ended with a sentence', async () => {
  await ground.repository.write({ 'team/large.yaml': randomBytes(4_000_000) });
  await ground.repository.commit();
  await expect(ground.mirrorOf({}, { bytes: 50_000, ms: 60_000 }).update(signal)).rejects.toThrow(
    /it sends more than the 50000 bytes that a fetch may bring; name a smaller path/,
  );
  expect((await readdir(ground.dir, { recursive: true })).filter((name) => /tmp_/.test(name))).toEqual([]);
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/x`;
  await expect(ground.mirrorOf({ url }, { bytes: 50_000, ms: 300 }).update(signal)).rejects.toThrow(
    /it cannot be reached, or is too slow: an update took as long as one may/,
  );
  silent.closeAllConnections();
  silent.close();
});

test('what stops the controller stops Git and its children', async () => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const stop = new AbortController();
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/x`;
  const asked = once(silent, 'request');
  const updating = ground.mirrorOf({ url }).update(stop.signal);
  await asked;
  stop.abort(new Error('stopped'));
  await expect(updating).rejects.toThrow('stopped');
  const left = () =>
    execFileSync('sh', ['-c', 'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " "'], { encoding: 'utf8' });
  await expect.poll(left).not.toContain(url);
  silent.close();
});

test('a full disk is said, nothing half done stays on it, and it is got over when there is room', async () => {
  await ground.repository.write({ 'team/large.yaml': randomBytes(1_500_000) });
  await ground.repository.commit();
  await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', ground.home]);
  try {
    await expect(ground.mirrorOf().update(signal)).rejects.toThrow(/the disk is full; it is tried again/);
    expect((await readdir(ground.dir, { recursive: true })).filter((name) => /tmp_/.test(name))).toEqual([]);
    await run('mount', ['-o', 'remount,size=20m', ground.home]);
    await readSoon('one\n');
  } finally {
    await run('umount', [ground.home]);
  }
});

test('a path that is not there, a link or inside a submodule is said and not taken for an empty folder', async () => {
  await ground.repository.link('team', 'alias');
  await ground.repository.git('update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},vendor/x`);
  await ground.repository.commit();
  await ground.repository.git('update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},vendor/x`);
  await ground.repository.git('commit', '--quiet', '--allow-empty', '-m', 'submodule');
  for (const [path, sentence] of [
    ['nobody', /commit \w{12} has no folder "nobody"; create it or name another path/],
    ['team/a.yaml', /has no folder "team\/a.yaml"/],
    ['alias', /"alias" of commit \w{12} is a symbolic link/],
    ['vendor/x/team', /"vendor\/x" of commit \w{12} is a submodule, which is not read/],
  ] as const)
    await expect(ground.mirrorOf({ path }).update(signal)).rejects.toThrow(sentence);
});

test('a mirror does not grow for ever: it is made anew after some hundred packs', async () => {
  const mirror = ground.mirrorOf();
  await mirror.update(signal);
  const pack = join(ground.dir, 'objects/pack');
  const [name = ''] = (await readdir(pack)).filter((each) => each.endsWith('.pack'));
  const content = await readFile(join(pack, name));
  for (let number = 0; number < 301; number++) await writeFile(join(pack, `pack-${number}.pack`), content);
  await readSoon('one\n');
  expect((await readdir(pack)).length).toBeLessThan(12);
});
