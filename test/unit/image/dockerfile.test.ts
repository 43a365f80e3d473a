import { existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { importsOf } from '../../../tools/imports.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const dockerfile = readFileSync(`${root}Dockerfile`, 'utf8').replaceAll('\\\n', ' ');
const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as Record<string, Record<string, string>>;

/** The lines of the stage of this name. */
function stage(name: string): string[] {
  const text = dockerfile.split(/^FROM /m).find((each) => new RegExp(`^\\S+ AS ${name}\\n`).test(each));
  return text?.split('\n') ?? [];
}

/** Packages that the stage takes out of what `npm ci` has installed. */
function withoutPackages(name: string): string[] {
  return stage(name).flatMap((line) =>
    [...line.matchAll(/ dependencies\.(\S+)/g)].map(([, dependency]) => dependency!),
  );
}

/** Whether the stage copies this file of the checkout. */
function copies(name: string, file: string): boolean {
  const folders = stage(name).flatMap((line) => /^COPY --from=sources \/app\/(\S+)/.exec(line)?.[1] ?? []);
  return folders.some((folder) => file.startsWith(`${folder}/`));
}

/** What this module imports at run time, of Node itself nothing: packages by name, modules by their place in the checkout. */
function importsAt(file: string): string[] {
  if (!/\.(ts|mjs|js)$/.test(file)) return [];
  return importsOf(readFileSync(root + file, 'utf8')).flatMap(({ specifier, typeOnly }) => {
    if (specifier === null || typeOnly || specifier.startsWith('node:')) return [];
    if (specifier.startsWith('.')) return [`./${posix.join(posix.dirname(file), specifier)}`];
    return [specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')];
  });
}

/** All modules and packages that these modules bring to run time. */
function reach(entries: readonly string[], skip: readonly string[] = []) {
  const modules = new Set(entries);
  const packages = new Set<string>();
  for (const file of modules) {
    for (const name of importsAt(file)) {
      if (!name.startsWith('./')) packages.add(name);
      else if (!skip.includes(name.slice(2))) modules.add(name.slice(2));
    }
  }
  return { modules: [...modules], packages: [...packages] };
}

const runner = reach(['runner/main.ts', 'runner/job.ts'].filter((entry) => existsSync(root + entry)));
// `run --local` runs blocks in the command line itself: it needs the engine, and so the image `standalone`.
const controller = reach(['cli/bin.mjs'], ['cli/local.ts']);

describe('the Dockerfile', () => {
  test.each([
    ['runner', runner.packages],
    ['controller', controller.packages],
  ])('leaves every package in the image %s that its code imports', (name, packages) => {
    expect(packages).not.toEqual([]);
    expect(packages.filter((each) => withoutPackages(`${name}-packages`).includes(each))).toEqual([]);
    expect(packages.filter((each) => !(each in manifest.dependencies!))).toEqual([]);
  });

  test.each([
    ['runner', runner.modules],
    ['controller', controller.modules],
  ])('copies every module into the image %s that its code imports', (name, modules) => {
    expect(modules.filter((file) => !copies(`${name}-files`, file))).toEqual([]);
  });

  test('keeps what only the controller imports out of the runner', () => {
    const own = Object.keys(manifest.dependencies!).filter((each) => !runner.packages.includes(each));
    const out = [...withoutPackages('packages'), ...withoutPackages('runner-packages')];
    expect(out.sort()).toEqual(own.sort());
  });

  test('keeps the engine out of the controller', () => {
    expect(withoutPackages('controller-packages').filter((each) => each.startsWith('@duckdb/'))).toHaveLength(2);
  });

  test('starts from the Node that the repository is tested with', () => {
    expect(dockerfile).toContain(`ARG BASE=node:${manifest.devDependencies!.node}-`);
  });
});
