import { resolve } from 'node:path';
import type { SourceFiles } from './files.ts';
import { readFolder } from './folder.ts';
import type { Mirror, Remote } from './mirror.ts';

/** What `sync` reads: the manifests as they are now, and what this state of them is called. */
export type Source = {
  readonly kind: 'folder' | 'git';
  /** The folder's absolute path, or the URL. */
  readonly location: string;
  /** How long a change may stay unseen where nothing tells of it, in ms. */
  readonly everyMs: number;
  /** `revision`: the commit, or the digest of a folder's content. */
  read(signal: AbortSignal): Promise<SourceFiles & { readonly revision: string }>;
};

const folderMs = 60_000;

export function folderSource(dir: string): Source {
  return {
    kind: 'folder',
    location: resolve(dir),
    everyMs: folderMs,
    async read() {
      const files = await readFolder(dir);
      return { ...files, revision: files.digest };
    },
  };
}

export function gitSource(options: { mirror: Mirror; remote: Remote; everyMs: number }): Source {
  const { mirror, remote, everyMs } = options;
  return {
    kind: 'git',
    location: remote.url,
    everyMs,
    async read(signal) {
      const revision = await mirror.update(signal);
      return { ...(await mirror.read(revision)), revision };
    },
  };
}
