import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { refuse } from './explain.ts';
import type { Remote } from './remote.ts';
import { type GitRun, git } from './run.ts';

const common = ['--quiet', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head', '--no-auto-maintenance'];
/** How often the size is looked at. */
const lookMs = 100;

export type Fetch = { readonly dir: string; readonly remote: Remote; readonly bytes: number; readonly run: GitRun };

/** `git fetch origin` that is ended when it brings more than `bytes`. Throws a GitError then, and a GitRefusal else. */
export async function fetchWithin({ dir, remote, bytes, run }: Fetch, args: readonly string[]): Promise<void> {
  const full = new AbortController();
  const before = await packedBytes(dir);
  const look = async (): Promise<void> => {
    if ((await packedBytes(dir)) - before > bytes) full.abort();
  };
  const timer = setInterval(() => void look(), lookMs);
  const signal = AbortSignal.any([full.signal, ...(run.signal ? [run.signal] : [])]);
  try {
    await git(dir, ['fetch', ...common, ...args], { ...run, signal });
    await look();
    full.signal.throwIfAborted();
  } catch (error) {
    if (!full.signal.aborted) throw error;
    const way = 'name a smaller path, or keep large files out of it';
    throw refuse(remote, `it sends more than the ${bytes} bytes that a fetch may bring; ${way}`);
  } finally {
    clearInterval(timer);
  }
}

/** Fetches those of the contents of files below a path that are not here yet. */
export async function fetchBlobs(
  { commit, path, ...fetch }: Fetch & { readonly commit: string; readonly path: string },
  names: Iterable<string>,
): Promise<void> {
  const wanted = new Set(names);
  if (wanted.size === 0) return;
  const tree = path === '' ? `${commit}^{tree}` : `${commit}:${path}`;
  const printed = await git(fetch.dir, ['rev-list', '--objects', '--no-object-names', '--missing=print', tree]);
  const missing = printed.split('\n').flatMap((line) => (line.startsWith('?') ? [line.slice(1)] : []));
  const input = missing.flatMap((name) => (wanted.has(name) ? [`${name}\n`] : [])).join('');
  if (input === '') return;
  await fetchWithin({ ...fetch, run: { ...fetch.run, input } }, ['--filter=blob:none', '--stdin', 'origin']);
}

/** Of the packs, with the one that is being written. */
async function packedBytes(dir: string): Promise<number> {
  const folder = join(dir, 'objects', 'pack');
  const names = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
