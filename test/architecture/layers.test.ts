import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { checkLayers } from '../../tools/check-layers.ts';
import { type Layers, layers, roomOf } from '../../tools/layers.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const trees: string[] = [];

afterEach(() => {
  for (const tree of trees.splice(0)) rmSync(tree, { recursive: true });
});

function tree(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'layers-'));
  trees.push(folder);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

describe('the table', () => {
  test('every room that the house has may import only what the table allows', () => {
    expect(checkLayers(root)).toEqual([]);
  });

  test.each(Object.entries(layers))('the room "%s" exists, or is marked as to come', (_name, room) => {
    const path = join(root, room.path.replace(/\*$/, ''));
    expect(existsSync(path)).toBe(room.toCome !== true);
  });

  test('names no room that it does not have', () => {
    const named = Object.values(layers).flatMap((room) => [...room.mayImport, ...(room.mayImportTypes ?? [])]);
    expect(named.filter((name) => !(name in layers))).toEqual([]);
  });

  test('has no circle among the rooms, but for the commands that are the controller, which are parts of the command line', () => {
    const seen = new Map<string, 'open' | 'done'>();
    const circles: string[] = [];
    const visit = (name: string, way: readonly string[]) => {
      if (seen.get(name) === 'open') circles.push([...way, name].join(' → '));
      if (seen.has(name)) return;
      seen.set(name, 'open');
      for (const other of layers[name]?.mayImport ?? []) visit(other, [...way, name]);
      seen.set(name, 'done');
    };
    for (const name of Object.keys(layers)) visit(name, []);
    expect(circles).toEqual(['cli → start command → cli', 'cli → drain command → cli']);
  });

  test('gives a file to the room with the longest name', () => {
    expect(roomOf('controller/main.ts')).toBe('main');
    expect(roomOf('controller/api/server.ts')).toBe('api');
    expect(roomOf('controller/api/client.ts')).toBe('api client');
    expect(roomOf('cli/start.ts')).toBe('start command');
    expect(roomOf('runner/loads/http/resume.ts')).toBe('runner');
    expect(roomOf('controller/unheard-of/x.ts')).toBeNull();
  });
});

describe('a violation', () => {
  const forms = {
    'a static import': `import { createStore } from '../controller/store/store.ts';`,
    'an import for its effect': `import '../controller/store/store.ts';`,
    'a dynamic import': `const { createStore } = await import('../controller/store/store.ts');`,
    'a re-export': `export { createStore } from '../controller/store/store.ts';`,
    'a re-export of all': `export * from '../controller/store/store.ts';`,
    'an import of a type': `import type { Store } from '../controller/store/store.ts';`,
    'a type in place': `export type Store = import('../controller/store/store.ts').Store;`,
    'an import inside a template': 'const text = `a ${`b ${await import("../controller/store/store.ts")}`}`;',
  };
  test.each(Object.entries(forms))('is found in %s, with the line and both rooms', (_form, line) => {
    const folder = tree({ 'runner/main.ts': `// the first line\n${line}\n` });
    expect(checkLayers(folder)).toEqual([
      'runner/main.ts:2: room "runner" may not import room "store" (controller/store/store.ts); allowed: schemas, expressions',
    ]);
  });

  test('is not seen where no import is: comments, strings, templates, regular expressions, properties', () => {
    const folder = tree({
      'runner/main.ts': [
        `// import '../controller/store/a.ts';`,
        `/* import '../controller/store/b.ts'; */`,
        `const text = "import '../controller/store/c.ts'";`,
        "const more = `import '../controller/store/d.ts'`;",
        `const pattern = /'/.test(text) || /import '..\\/controller\\/store\\/e.ts'/.test(text);`,
        `thing.import('../controller/store/f.ts');`,
        `const from = '../controller/store/g.ts';`,
        `export const h = { from: '../controller/store/h.ts' };`,
      ].join('\n'),
    });
    expect(checkLayers(folder)).toEqual([]);
  });

  test('is an import of a value where only types are allowed', () => {
    const folder = tree({
      'controller/executors/a.ts': `import type { Phase } from '../runs/phases.ts';`,
      'controller/executors/b.ts': `import { type Phase, isSettled } from '../runs/phases.ts';`,
      'controller/executors/c.ts': `export type { Phase } from '../runs/phases.ts';`,
    });
    expect(checkLayers(folder)).toEqual([
      'controller/executors/b.ts:1: room "executors" may import only types of room "runs" (controller/runs/phases.ts); write `import type`',
    ]);
  });

  test('is a folder of the controller that the table does not know', () => {
    const folder = tree({ 'controller/utils/a.ts': '', 'helpers/b.ts': '', 'controller/steps/c.ts': '' });
    expect(checkLayers(folder)).toEqual([
      'controller/utils/a.ts:1: lies in no room; give its folder a line in tools/layers.ts',
      'helpers/b.ts:1: lies in no room; give its folder a line in tools/layers.ts',
    ]);
  });

  test('is an import of tests or of anything else outside the rooms', () => {
    const folder = tree({ 'cli/a.ts': `import { clock } from '../test/support/clock.ts';` });
    expect(checkLayers(folder)).toEqual([
      'cli/a.ts:1: room "cli" may not import test/support/clock.ts, which lies in no room; see tools/layers.ts',
    ]);
  });

  test.each([
    'import(`../controller/${name}.ts`)',
    'import(`../controller/store/store.ts`)',
    'import(name)',
    'require(name)',
  ])('is a computed path, which could name any room: %s', (code) => {
    const folder = tree({ 'runner/a.ts': `${code};` });
    expect(checkLayers(folder)).toEqual([
      'runner/a.ts:1: room "runner" imports a computed path, which no table can check; write the path out',
    ]);
  });

  test('is the world outside in a room that only decides', () => {
    const folder = tree({
      'controller/windows/a.ts': `import { readFileSync } from 'node:fs';\nimport { createHash } from 'node:crypto';`,
    });
    expect(checkLayers(folder)).toEqual([
      'controller/windows/a.ts:1: room "windows" is pure and may not import "node:fs"; allowed of Node: node:buffer, node:crypto, node:path, node:util',
    ]);
  });

  test('is the controller itself anywhere in the command line but in the commands that are it', () => {
    const folder = tree({
      'cli/start.ts': `import { startController } from '../controller/main.ts';`,
      'cli/runs.ts': `import { createClient } from '../controller/api/client.ts';\nimport { startController } from '../controller/main.ts';`,
    });
    expect(checkLayers(folder)).toEqual([
      'cli/runs.ts:2: room "cli" may not import room "main" (controller/main.ts); allowed: schemas, git, forges, manifests, plan, windows, runner, api client, kubernetes, start command, drain command',
    ]);
  });

  test('follows the table that it is given', () => {
    const table: Layers = { one: { path: 'one/', mayImport: [] }, two: { path: 'two/', mayImport: ['one'] } };
    const folder = tree({ 'one/a.ts': `import '../two/b.ts';`, 'two/b.ts': `import '../one/a.ts';` });
    expect(checkLayers(folder, table)).toEqual([
      'one/a.ts:1: room "one" may not import room "two" (two/b.ts); allowed: nothing',
    ]);
  });
});
