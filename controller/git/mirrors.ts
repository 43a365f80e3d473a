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
