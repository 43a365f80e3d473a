import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readFolder, watchFolder } from '../../../controller/git/folder.ts';

let home: string;
let dir: string;
let stop: AbortController;
let seen: string[];
let waiting: (() => void) | undefined;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'watch-'));
  dir = join(home, 'source');
  mkdirSync(dir);
  writeFileSync(join(dir, 'a.yaml'), 'one');
  stop = new AbortController();
  seen = [];
  const onChange = async (): Promise<void> => {
    const folder = await readFolder(dir).catch(() => undefined);
    seen.push(folder ? [...folder.files.values()].join() : 'gone');
    waiting?.();
  };
  await watchFolder({ dir, onChange: () => void onChange(), signal: stop.signal }).ready;
});
afterEach(() => {
  stop.abort();
  rmSync(home, { recursive: true, force: true });
});

/** Waits until a change was reported after which the folder reads as `state`. */
async function until(state: string): Promise<void> {
  while (seen.at(-1) !== state) {
    await new Promise<void>((resolve) => {
      waiting = resolve;
    });
  }
}

test('a changed, added and removed file is a change', async () => {
  writeFileSync(join(dir, 'a.yaml'), 'two');
  await until('two');
  mkdirSync(join(dir, 'below'));
  writeFileSync(join(dir, 'below/b.sql'), 'three');
  await until('two,three');
  rmSync(join(dir, 'a.yaml'));
  await until('three');
});

test('a file that an editor saves by renaming is a change, again and again', async () => {
  for (const text of ['two', 'three']) {
    writeFileSync(join(dir, '.a.swp'), text);
    renameSync(join(dir, '.a.swp'), join(dir, 'a.yaml'));
    await until(text);
  }
});

test('a folder that is removed and made again is watched on', async () => {
  rmSync(dir, { recursive: true });
  await until('gone');
  mkdirSync(dir);
  writeFileSync(join(dir, 'a.yaml'), 'two');
  await until('two');
  renameSync(dir, join(home, 'away'));
  mkdirSync(dir);
  writeFileSync(join(dir, 'b.yaml'), 'three');
  await until('three');
});

test('a swapped ConfigMap is a change', async () => {
  for (const [version, text] of Object.entries({ '..1': 'x', '..2': 'y' })) {
    mkdirSync(join(dir, version));
    writeFileSync(join(dir, version, 'm.yaml'), text);
  }
  symlinkSync('..1', join(dir, '..data'));
  symlinkSync('..data/m.yaml', join(dir, 'm.yaml'));
  await until('one,x');
  symlinkSync('..2', join(dir, '..tmp'));
  renameSync(join(dir, '..tmp'), join(dir, '..data'));
  await until('one,y');
});

test('many events of one moment are one change', async () => {
  for (let number = 0; number < 100; number++) writeFileSync(join(dir, 'a.yaml'), `${number}`);
  await until('99');
  expect(seen.length).toBeLessThan(10);
});

test('after the signal nothing is reported', async () => {
  stop.abort();
  writeFileSync(join(dir, 'a.yaml'), 'two');
  const other = new AbortController();
  await watchFolder({ dir, onChange: () => seen.push('other'), signal: other.signal }).ready;
  writeFileSync(join(dir, 'a.yaml'), 'three');
  while (seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  other.abort();
  expect(seen).toEqual(['other']);
});
