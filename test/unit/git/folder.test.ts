import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FolderError, readFolder } from '../../../controller/git/folder.ts';
import { folderLimits } from '../../../controller/git/limits.ts';

let home: string;
let dir: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'folder-'));
  dir = join(home, 'source');
  mkdirSync(dir);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function write(path: string, text: string | Buffer): void {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), text);
}

describe('readFolder', () => {
  test('reads manifests and SQL of all folders, in the order of their paths, and nothing else', async () => {
    for (const path of [
      'b.yml',
      'a/z.yaml',
      'a/b/q.sql',
      'readme.md',
      '.git/c.yaml',
      'node_modules/d.yaml',
      'a/.e.yaml',
    ])
      write(path, path);
    const { files, problems, complete } = await readFolder(dir);
    expect([...files]).toEqual([
      ['a/b/q.sql', 'a/b/q.sql'],
      ['a/z.yaml', 'a/z.yaml'],
      ['b.yml', 'b.yml'],
    ]);
    expect({ problems, complete }).toEqual({ problems: [], complete: true });
  });

  test('gives one digest to one content, whatever the times and the order of writing', async () => {
    write('a.yaml', '1');
    write('b.yaml', '2');
    const first = await readFolder(dir);
    rmSync(join(dir, 'a.yaml'));
    write('a.yaml', '1');
    expect((await readFolder(dir)).digest).toBe(first.digest);
    write('readme.md', 'other');
    expect((await readFolder(dir)).digest).toBe(first.digest);
    write('b.yaml', '3');
    expect((await readFolder(dir)).digest).not.toBe(first.digest);
    rmSync(join(dir, 'b.yaml'));
    write('a.yaml', '12');
    expect((await readFolder(dir)).digest).not.toBe(first.digest);
  });

  test('follows links that stay in the folder, as a mounted ConfigMap has them', async () => {
    write('..2026/a.yaml', 'a');
    symlinkSync('..2026', join(dir, '..data'));
    symlinkSync('..data/a.yaml', join(dir, 'a.yaml'));
    write('real/b.yaml', 'b');
    symlinkSync('real', join(dir, 'alias'));
    const { files, problems } = await readFolder(dir);
    expect([...files.keys()]).toEqual(['a.yaml', 'alias/b.yaml', 'real/b.yaml']);
    expect(problems).toEqual([]);
  });

  test('may itself be a link', async () => {
    write('a.yaml', 'a');
    symlinkSync(dir, join(home, 'link'));
    expect([...(await readFolder(join(home, 'link'))).files.keys()]).toEqual(['a.yaml']);
  });

  test('refuses links that leave the folder and reads nothing through them', async () => {
    writeFileSync(join(home, 'secret.yaml'), 'secret');
    mkdirSync(join(home, 'source-2'));
    writeFileSync(join(home, 'source-2/x.yaml'), 'secret');
    symlinkSync('../secret.yaml', join(dir, 'a.yaml'));
    symlinkSync('../source-2', join(dir, 'b'));
    symlinkSync('/etc/passwd', join(dir, 'c.sql'));
    symlinkSync('nowhere', join(dir, 'd.yaml'));
    symlinkSync('/etc/passwd', join(dir, 'ignored.txt'));
    const { files, problems, complete } = await readFolder(dir);
    expect(files.size).toBe(0);
    expect(complete).toBe(false);
    expect(problems.map(({ file, code }) => [file, code])).toEqual([
      ['a.yaml', 'unsafe-path'],
      ['b', 'unsafe-path'],
      ['c.sql', 'unsafe-path'],
      ['d.yaml', 'unreadable-file'],
    ]);
    expect(problems[0]).toEqual({
      file: 'a.yaml',
      line: 1,
      column: 1,
      code: 'unsafe-path',
      message: 'symbolic link "a.yaml" leads out of the folder; copy what it points to into the folder',
    });
  });

  test('ends with links that lead in circles, and with many that multiply', async () => {
    write('a.yaml', 'a');
    symlinkSync('.', join(dir, 'self'));
    symlinkSync('loop-b', join(dir, 'loop-a'));
    symlinkSync('loop-a', join(dir, 'loop-b'));
    expect([...(await readFolder(dir)).files.keys()]).toEqual(['a.yaml']);
    for (let level = 0; level < 20; level++) {
      mkdirSync(join(dir, `level-${level}`));
      for (const side of ['left', 'right']) symlinkSync(`../level-${level + 1}`, join(dir, `level-${level}`, side));
    }
    write('level-20/x.yaml', 'x');
    const { files, problems } = await readFolder(dir, { ...folderLimits, entries: 2000 });
    expect(files.size).toBe(0);
    expect(problems.map(({ code }) => code)).toEqual(['too-many-files']);
  });

  test('does not wait for a pipe that is named like a manifest', async () => {
    await promisify(execFile)('mkfifo', [join(dir, 'pipe.yaml')]);
    symlinkSync('pipe.yaml', join(dir, 'link.yaml'));
    expect((await readFolder(dir)).files.size).toBe(0);
  });

  test('says which file is too large or not UTF-8, and reads the others', async () => {
    write('big.yaml', 'x'.repeat(1025));
    write('latin.yaml', Buffer.from([0xe9, 0x20]));
    write('good.yaml', '\uFEFFgood');
    const { files, problems } = await readFolder(dir, { ...folderLimits, fileBytes: 1024 });
    expect([...files]).toEqual([['good.yaml', 'good']]);
    expect(problems.map(({ file, code, message }) => [file, code, message])).toEqual([
      ['big.yaml', 'too-large', 'file "big.yaml" has 1025 bytes and the limit is 1024; divide it into several files'],
      ['latin.yaml', 'unreadable-file', 'file "latin.yaml" is not UTF-8; save it as UTF-8'],
    ]);
  });

  test('refuses a folder with too many files or too many bytes as a whole', async () => {
    for (const name of ['a', 'b', 'c']) write(`${name}.yaml`, 'x'.repeat(10));
    for (const limits of [{ files: 2 }, { totalBytes: 25 }]) {
      const { files, problems, complete } = await readFolder(dir, { ...folderLimits, ...limits });
      expect(files.size).toBe(0);
      expect(complete).toBe(false);
      expect(problems.map(({ file }) => file)).toEqual(['.']);
    }
  });

  test('fails with a sentence when the folder is not there', async () => {
    const gone = join(home, 'gone');
    await expect(readFolder(gone)).rejects.toThrow(FolderError);
    writeFileSync(gone, '');
    await expect(readFolder(gone)).rejects.toThrow('cannot be read (ENOTDIR)');
  });

  test('reads a whole state while editors save by renaming', async () => {
    write('a.yaml', '0');
    let busy = true;
    const saving = (async () => {
      for (let round = 0; busy; round++) {
        writeFileSync(join(dir, '.a.tmp'), String(round));
        renameSync(join(dir, '.a.tmp'), join(dir, 'a.yaml'));
        await new Promise(setImmediate);
      }
    })();
    for (let round = 0; round < 50; round++) expect([...(await readFolder(dir)).files.keys()]).toEqual(['a.yaml']);
    busy = false;
    await saving;
  });
});
