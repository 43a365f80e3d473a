import { statfs } from 'node:fs/promises';
import { type Layout, noSpaceError } from './layout.ts';

const megabyte = 1024 * 1024;

/** A new cluster takes 60 MB, and its first runs write too; an old one must at least be able to begin a log segment. */
const needed = { setUp: 200, start: 20 };

/** Throws one sentence when it would fail half-way, with an error that says less. */
export async function checkSpace(layout: Layout, forWhat: keyof typeof needed): Promise<void> {
  const { bavail, bsize } = await statfs(layout.home);
  const free = Math.floor((bavail * bsize) / megabyte);
  if (free >= needed[forWhat]) return;
  throw noSpaceError(layout, `only ${free} MB are free, and it needs at least ${needed[forWhat]} MB,`);
}
