import { execFile } from 'node:child_process';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { firstStart } from './support/control-plane.ts';
import { type Image, makeBaseImages } from './support/images.ts';
import { buildProjectImages } from './support/project-images.ts';

const page = readFileSync(new URL('../../docs/kubernetes.md', import.meta.url), 'utf8');
const run = promisify(execFile);
const dpkg = './var/lib/dpkg/status';

/** What a Dockerfile has added to its base, as files; `bytes` is the size of its layers. */
type Added = { readonly folder: string; readonly bytes: number; readonly config: { readonly User?: string } };
type Package = { readonly name: string; readonly version: string; readonly purl?: string };

let scratch: string;
const images: Record<string, Added> = {};

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'pipewright-image-'));
  const base = await unpack((await makeBaseImages()).run, 'base');
  for (const { file } of base.layers) await run('tar', ['-xf', file, '-C', scratch, dpkg]);
  const { controller, runner } = await buildProjectImages();
  for (const [name, image] of Object.entries({ controller, runner })) {
    images[name] = await layersAbove(base.layers, image, name);
  }
}, firstStart);
afterAll(() => rm(scratch, { recursive: true, force: true }));

async function unpack({ tar }: Image, name: string) {
  const folder = join(scratch, `${name}-archive`);
  await mkdir(folder);
  await run('tar', ['-xf', tar, '-C', folder]);
  const read = (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8'));
  const [{ Config, Layers }] = read('manifest.json') as [{ Config: string; Layers: string[] }];
  const { config, rootfs } = read(Config) as { config: { User?: string }; rootfs: { diff_ids: string[] } };
  const layers = rootfs.diff_ids.map((id, at) => ({ id, file: join(folder, Layers[at]!) }));
  return { layers, config };
}

async function layersAbove(below: readonly { id: string }[], image: Image, name: string): Promise<Added> {
  const { layers, config } = await unpack(image, name);
  expect(layers.slice(0, below.length).map(({ id }) => id)).toEqual(below.map(({ id }) => id));
  const folder = join(scratch, name);
  await mkdir(folder);
  const own = layers.slice(below.length);
  for (const { file } of own) await run('tar', ['-xf', file, '-C', folder]);
  return { folder, config, bytes: own.reduce((sum, { file }) => sum + statSync(file).size, 0) };
}

/** `name@version` of every package of Debian that lies in the image and not in its base. */
function addedOfDebian(name: string): string[] {
  const own = join(images[name]!.folder, dpkg);
  const read = (file: string) =>
    [...readFileSync(file, 'utf8').matchAll(/^Package: (.*)$[\s\S]*?^Version: (.*)$/gm)].map(([, ...each]) =>
      each.join('@'),
    );
  const before = new Set(read(join(scratch, dpkg)));
  return existsSync(own) ? read(own).filter((each) => !before.has(each)) : [];
}

/** `name@version` of every package of npm that lies in the image. */
function installed(name: string): string[] {
  const app = join(images[name]!.folder, 'app');
  const manifests = globSync('node_modules/**/package.json', { cwd: app }).filter((path) =>
    /node_modules\/(@[^/]+\/)?[^/]+\/package\.json$/.test(path),
  );
  const packages = manifests.map((path) => JSON.parse(readFileSync(join(app, path), 'utf8')) as Package);
  return [...new Set(packages.map(({ name: own, version }) => `${own}@${version}`))].sort();
}

describe.each(['controller', 'runner'])('the image %s', (name) => {
  test('holds the list of exactly the packages that it holds', () => {
    const file = join(images[name]!.folder, 'app/sbom.cdx.json');
    const list = JSON.parse(readFileSync(file, 'utf8')) as { bomFormat: string; components: Package[] };
    expect(list.bomFormat).toBe('CycloneDX');
    const listed = list.components.map(({ name: own, version }) => `${own}@${version}`);
    expect(listed.length).toBeGreaterThan(5);
    expect([...new Set(listed)].sort()).toEqual([...installed(name), ...addedOfDebian(name)].sort());
  });

  test('has the size that the documentation states', () => {
    const stated = new RegExp(`^\\| \`${name}\` .* (\\d+) MB \\|$`, 'm').exec(page)?.[1];
    const megabytes = images[name]!.bytes / 1_000_000;
    expect([name, Math.abs(megabytes - Number(stated)) <= 5, megabytes]).toEqual([name, true, megabytes]);
  });

  test('runs as a user without rights who can read all of it', async () => {
    const { folder, config } = images[name]!;
    expect(config.User).toBe('65532:65532');
    const unreadable = ['-not', '-perm', '-a+r', '-not', '-type', 'l', '-not', '-user', '65532'];
    expect((await run('find', [join(folder, 'app'), ...unreadable])).stdout).toBe('');
  });
});

test('the engine is in the runner alone', () => {
  const has = (name: string) => existsSync(join(images[name]!.folder, 'app/node_modules/@duckdb/node-api'));
  expect([has('controller'), has('runner')]).toEqual([false, true]);
});

test('what sources in Git need is in the controller alone, and ssh knows its user by name', () => {
  const has = (name: string) =>
    ['git', 'ssh', 'gpg'].map((each) => existsSync(join(images[name]!.folder, 'usr/bin', each)));
  expect([has('controller'), has('runner')]).toEqual([
    [true, true, true],
    [false, false, false],
  ]);
  const [certificates, users] = ['etc/ssl/certs/ca-certificates.crt', 'etc/passwd'].map((file) =>
    readFileSync(join(images.controller!.folder, file), 'utf8'),
  );
  expect(certificates).toContain('BEGIN CERTIFICATE');
  expect(users).toMatch(/^pipewright:x:65532:65532:/m);
});
