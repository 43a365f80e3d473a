import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type Token, tokensOf } from '../../tools/tokens.ts';
import { filesInGit } from './files.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const tracked = filesInGit();
const modules = tracked.filter(
  (path) => /\.(ts|tsx|mts|js|mjs|cjs)$/.test(path) && !path.startsWith('schemas/generated/'),
);
const inRooms = modules.filter((path) => path.includes('/') && !path.startsWith('test/'));

function read(path: string): string {
  return readFileSync(root + path, 'utf8');
}

/** `path:line` of every place in these modules where the tokens that begin there fit. */
function places(paths: readonly string[], fits: (one: Token, two?: Token, three?: Token) => boolean): string[] {
  return paths.flatMap((path) => {
    const tokens = tokensOf(read(path));
    return tokens.flatMap((token, at) =>
      fits(token, tokens[at + 1], tokens[at + 2]) ? [`${path}:${token.line}`] : [],
    );
  });
}

describe('a module', () => {
  test('has at most 300 lines, so that it stays one thing', () => {
    const long = inRooms.filter((path) => read(path).split('\n').length > 301);
    expect(long).toEqual([]);
  });

  test('exports names, never a default', () => {
    const found = places(
      modules.filter((path) => !path.endsWith('.config.ts')),
      (token, next) => token.kind === 'word' && token.text === 'export' && next?.text === 'default',
    );
    expect(found).toEqual([]);
  });

  test('declares no enum', () => {
    const found = places(
      modules,
      (token, name, brace) => token.text === 'enum' && name?.kind === 'word' && brace?.text === '{',
    );
    expect(found).toEqual([]);
  });

  test('does not lie in a room for odds and ends', () => {
    expect(tracked.filter((path) => /(^|\/)(utils?|helpers?|common|misc|lib)\//.test(path))).toEqual([]);
  });
});

describe('the tree', () => {
  test.each([
    ['a path of the machine it was written on', machinePaths()],
    ['the address of a package registry', /\bregistry\.[a-z][\w.-]*\.[a-z]{2,}/],
  ])('holds nowhere %s', (_what, pattern) => {
    const found = tracked
      .filter((path) => !/\.(png|jpg|gz|parquet)$/.test(path))
      .flatMap((path) =>
        read(path)
          .split('\n')
          .flatMap((line, at) => (pattern.test(line) ? [`${path}:${at + 1}: ${line.trim().slice(0, 120)}`] : [])),
      );
    expect(found).toEqual([]);
  });

  test('numbers the migrations of the store in sequence, from 0001', () => {
    const files = readdirSync(`${root}controller/store/migrations`).sort();
    const expected = files.map((_file, at) => String(at + 1).padStart(4, '0'));
    expect(files.map((file) => /^(\d{4})_[a-z0-9_]+\.sql$/.exec(file)?.[1] ?? file)).toEqual(expected);
  });
});

/** Home folders in general, and the folder of this very checkout where its name is long enough to mean nothing else. */
function machinePaths(): RegExp {
  const here = root.split('/').filter(Boolean).length > 1 ? [root.slice(0, -1)] : [];
  const homes = ['home', 'root', 'Users'].map((name) => `(?<![\\w.})\\]~-])/${name}/`);
  return new RegExp([...homes, ...here.map((path) => path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))].join('|'));
}
