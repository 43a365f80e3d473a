import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../../support/go-build.ts';
import { kube, say } from './binaries.ts';
import { installPackages, isRootOnDebian } from './packages.ts';

/** An image and its archive (docker-archive), for `loadImage`. */
export type Image = { readonly tag: string; readonly tar: string };

/** `build` is `run` with npm, for the stages of a Dockerfile of which nothing ends up in the image. */
export type BaseImages = { readonly run: Image; readonly build: Image };

/**
 * A minimal Debian with the Node of this project at /usr/local/bin/node, for a machine that no image registry reaches. Made
 * once, in half a minute, and kept outside of the tree. Needs root on Debian.
 */
export async function makeBaseImages(): Promise<BaseImages> {
  const hash = createHash('sha256').update(process.version);
  for (const script of ['base-image.sh', 'mkimage.sh']) hash.update(readFileSync(join(kube, script)));
  hash.update(readFileSync('/etc/os-release'));
  const digest = hash.digest('hex').slice(0, 16);
  const folder = join(await cacheFolder(), `base-${digest}`);
  const tag = `localhost/pipewright-base:${digest}`;
  if (!existsSync(folder)) {
    if (!isRootOnDebian())
      throw new Error('images for tests are made with debootstrap and buildah, by root on Debian; be that');
    await installPackages('images');
    say('making the base image; this takes half a minute, once');
    // The Node that runs this is the one of node_modules/node, which every npm script uses.
    const made = [folder, process.execPath, await findNpm(), tag];
    await runScript('base-image.sh', made);
  }
  return {
    run: { tag, tar: join(folder, 'base.tar') },
    build: { tag: `${tag}-build`, tar: join(folder, 'build.tar') },
  };
}

/**
 * Builds a stage (`target`; without one the last) of a Dockerfile with buildah, on `base` as build arguments BASE and
 * BUILD_BASE. Steps that were built before are taken from the cache. Throws with the end of what buildah said.
 */
export async function buildImage(options: {
  dockerfile: string;
  context: string;
  target?: string;
  tag: string;
  base: BaseImages;
}): Promise<Image> {
  await installPackages('images');
  const { tag, base, target } = options;
  const store = join(await cacheFolder(), 'buildah');
  const { tar } = await imageOf(tag);
  const run = (...args: string[]) => runScript('build-image.sh', [store, ...args]);
  for (const image of [base.run, base.build]) await run('load', image.tag, image.tar);
  const given = ['--build-arg', `BASE=${base.run.tag}`, '--build-arg', `BUILD_BASE=${base.build.tag}`];
  const stage = target ? ['--target', target] : [];
  await run('build', tag, tar, options.dockerfile, options.context, ...given, ...stage);
  return { tag, tar };
}

/** Where the archive of this tag lies, or will when it was built. */
export async function imageOf(tag: string): Promise<Image> {
  const archives = join(await cacheFolder(), 'images');
  await mkdir(archives, { recursive: true });
  return { tag, tar: join(archives, `${tag.replaceAll(/[^\w.-]/g, '_')}.tar`) };
}

async function findNpm(): Promise<string> {
  const { stdout } = await promisify(execFile)('sh', ['-c', 'command -v npm']).catch(() => ({ stdout: '' }));
  if (!stdout) throw new Error('the base image takes npm from this machine, and there is none; put npm on PATH');
  return dirname(dirname(realpathSync(stdout.trim())));
}

async function runScript(script: string, args: string[]): Promise<void> {
  const certificates = process.env.NODE_EXTRA_CA_CERTS ?? process.env.SSL_CERT_FILE;
  const env = { ...process.env, ...(certificates && { CA_FILE: certificates }) };
  try {
    await promisify(execFile)(join(kube, script), args, { env, maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    const end = `${stdout}${stderr}`.trim().slice(-3000);
    throw new Error(`${script} ${args.join(' ')} failed:\n${end}`, { cause: error });
  }
}
