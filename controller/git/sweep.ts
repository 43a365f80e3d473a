import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';

/**
 * Removes what a Git that was killed has left in a mirror: locks, which would stop the next one, and halves of packs, which fill the
 * disk. Nobody else works there. Returns how many packs there are, without those of its submodules.
 */
export async function sweepMirror(dir: string): Promise<number> {
  const paths = await readdir(dir, { recursive: true }).catch(() => []);
  const left = paths.filter((path) => /\.lock$|^tmp_/.test(basename(path)));
  await Promise.all(left.map((path) => rm(join(dir, path), { recursive: true, force: true })));
  return paths.filter((path) => path.startsWith('objects') && path.endsWith('.pack')).length;
}

/** Removes the mirrors in `dir` that have none of these names. What cannot be removed now is there for the next time. */
export async function sweepMirrors(dir: string, names: ReadonlySet<string>): Promise<void> {
  const found = await readdir(dir).catch(() => []);
  const gone = found.filter((name) => !names.has(name));
  await Promise.all(gone.map((name) => rm(join(dir, name), { recursive: true, force: true }).catch(() => {})));
}
