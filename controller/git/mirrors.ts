import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { createMirror, type Mirror } from './mirror.ts';
import type { Remote } from './remote.ts';

/** The mirror in `dir` for a remote whose credentials may be others at every look. */
export function createMirrors(dir: string): (remote: Remote) => Mirror {
  let last: { readonly remote: Remote; readonly mirror: Mirror } | undefined;
  return (remote) => {
    if (!last || !isDeepStrictEqual(last.remote, remote)) last = { remote, mirror: createMirror({ dir, remote }) };
    return last.mirror;
  };
}

/** Removes the mirrors in `dir` that belong to none of these sources. What cannot be removed now is there for the next time. */
export async function sweepMirrors(dir: string, names: ReadonlySet<string>): Promise<void> {
  const found = await readdir(dir).catch(() => []);
  const gone = found.filter((name) => !names.has(name));
  await Promise.all(gone.map((name) => rm(join(dir, name), { recursive: true, force: true }).catch(() => {})));
}
