import { join } from 'node:path';
import { tryGit } from './ask.ts';
import { authorOf, pathInRepository, readCommit, resolveCommit } from './commit.ts';
import { checkFolder } from './folder.ts';
import type { SourceRead } from './source.ts';
import { watchPaths } from './watch.ts';

/** Reads a folder of a repository as the commit that HEAD names has it: what is not committed does not count. */
export async function readHead(dir: string): Promise<SourceRead> {
  await checkFolder(dir);
  const commit = await resolveCommit(dir, 'HEAD');
  const files = await readCommit({ dir, commit, path: await pathInRepository(dir) });
  return { ...files, revision: commit, author: await authorOf(dir, commit) };
}

/**
 * Tells when HEAD may name another commit, until `signal` aborts: whatever moves it writes one of these files. `ready` resolves when
 * changes are seen from then on. Where the folder lies in no repository yet there is nothing to watch.
 */
export function watchHead(options: { dir: string; onChange: () => void; signal: AbortSignal }): {
  readonly ready: Promise<void>;
} {
  const ready = gitDirs(options.dir).then(async (dirs) => {
    if (!dirs || options.signal.aborted) return;
    const own = ['HEAD', 'logs/HEAD'].map((name) => join(dirs.own, name));
    const common = ['refs', 'packed-refs', 'reftable'].map((name) => join(dirs.common, name));
    await watchPaths({ ...options, paths: [...own, ...common] }).ready;
  });
  return { ready };
}

/** A second work tree has a folder of its own for HEAD, and branches in the common one. */
async function gitDirs(dir: string): Promise<{ own: string; common: string } | null> {
  const found = await tryGit(dir, ['rev-parse', '--path-format=absolute', '--git-dir', '--git-common-dir']).catch(
    () => null,
  );
  const [own, common] = (found ?? '').split('\n');
  return own && common ? { own, common } : null;
}
