import { mkdir, rm } from 'node:fs/promises';
import { openAccess } from './access.ts';
import { askGit, tryGit } from './ask.ts';
import { authorOf, createCommitReader } from './commit.ts';
import { explain, giveUp, refuse, refuseCommit } from './explain.ts';
import { type Fetch, fetchBlobs, fetchWithin } from './fetch.ts';
import type { SourceFiles } from './files.ts';
import { listCommit } from './parts.ts';
import type { Remote } from './remote.ts';
import type { GitRun } from './run.ts';
import { createSubmodules, type Submodules } from './submodules.ts';
import { sweepMirror } from './sweep.ts';
import { chooseTag } from './tags.ts';
import { explainPath } from './tree.ts';
import { verify } from './verify.ts';

export type { Remote } from './remote.ts';

/** What the ref names now. */
export type Fetched = {
  /** In all its digits. */
  readonly commit: string;
  /** Of the commit, `Name <mail>`, without control characters; null where it has none. */
  readonly author: string | null;
  /** The tag that was chosen, where the ref is a tag or a range. */
  readonly tag?: string;
};

export interface Mirror {
  /** Fetches what the ref names now and what is read below the path, and nothing else. Throws a GitError with one sentence. */
  update(signal: AbortSignal): Promise<Fetched>;
  /** What the commit of an update has. Throws a GitError, and forgets everything, where that is damaged. */
  read(commit: string): Promise<SourceFiles>;
}

export type MirrorLimits = {
  /** What one fetch may bring, in bytes. */
  readonly bytes: number;
  /** How long an update may take, in ms. */
  readonly ms: number;
};

const own = 'refs/pipewright/head';
const usual: MirrorLimits = { bytes: 1024 ** 3, ms: 300_000 };
/** Every commit brings one or two, and Git looks through all. */
const mostPacks = 300;

type Options = { readonly dir: string; readonly remote: Remote; readonly limits?: MirrorLimits };

/**
 * A bare repository in `dir` that follows a remote: shallow and without the contents of files, of which only those that are read are
 * fetched, so that it costs what its path costs. It holds nothing that the remote does not have: when it is damaged, it is made anew.
 */
export function createMirror({ dir, remote, limits = usual }: Options): Mirror {
  const { path } = remote;
  const submodules = submodulesOf(dir, remote, limits);
  const readNext = createCommitReader({ dir, path, submodules });
  /** Of the last update, with what the ref named: all of it is here. */
  let last: (Fetched & { readonly named: string }) | null = null;

  async function attempt(stop: AbortSignal): Promise<Fetched> {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(limits.ms)]);
    if (await prepare(dir, remote)) last = null;
    // A commit never becomes another one.
    if (last && 'commit' in remote.ref && last.commit === remote.ref.commit) return withoutName(last);
    await using access = await openAccess(dir, remote);
    const run: GitRun = { environment: access.environment(), signal };
    const fetch = { dir, remote, bytes: limits.bytes, run };
    const { named, commit, tag } = await fetchRef(fetch);
    if (last?.named === named && (last.tag ?? null) === tag) return withoutName(last);
    await verify({ dir, folder: access.folder, remote, named, commit, tag, signal });
    const obstacle = await explainPath({ dir, commit, path });
    if (obstacle !== null) throw refuseCommit(remote, commit, obstacle);
    // Told which commits are here, the server would take their contents for here too.
    const asking = { ...run, environment: access.environment({ 'fetch.negotiationAlgorithm': 'noop' }) };
    const bringBelow = (path: string) => (names: Iterable<string>) =>
      fetchBlobs({ ...fetch, run: asking, commit, path }, names);
    const bring = bringBelow(path);
    const found = await listCommit({ dir, commit, path, bring });
    await bring(found.files.values());
    await submodules?.update(commit, found.submodules, bringBelow(''), signal);
    last = { named, commit, author: await authorOf(dir, commit), ...(tag !== null && { tag }) };
    return withoutName(last);
  }

  return {
    async update(signal) {
      try {
        return await attempt(signal);
      } catch (error) {
        signal.throwIfAborted();
        await sweepMirror(dir);
        const fault = explain(remote, error);
        if (fault) throw fault;
        // The mirror's own fault.
      }
      try {
        last = null;
        await rm(dir, { recursive: true, force: true });
        return await attempt(signal);
      } catch (error) {
        signal.throwIfAborted();
        throw giveUp(remote, error);
      }
    },
    async read(commit) {
      try {
        return await readNext(commit);
      } catch (error) {
        last = null;
        await rm(dir, { recursive: true, force: true });
        throw refuse(remote, 'its mirror was damaged and has been removed', { cause: error });
      }
    },
  };
}

function submodulesOf(dir: string, remote: Remote, limits: MirrorLimits): Submodules | null {
  if (!remote.submodules) return null;
  return createSubmodules({ dir, remote, mirrorOf: (dir, remote) => createMirror({ dir, remote, limits }) });
}

function withoutName({ named: _, ...fetched }: Fetched & { readonly named: string }): Fetched {
  return fetched;
}

/** Brings what the ref names there now, without contents of files. */
async function fetchRef(fetch: Fetch) {
  const { dir, remote, run } = fetch;
  const tag = await tagOf(dir, remote, run);
  const source = tag === null ? refOf(remote) : `refs/tags/${tag}`;
  await fetchWithin(fetch, ['--depth=1', '--filter=blob:none', 'origin', `+${source}:${own}`]);
  const [named = '', commit = ''] = (await askGit(dir, ['rev-parse', own, `${own}^{commit}`])).split('\n');
  return { named, commit, tag };
}

function refOf({ ref }: Remote): string {
  if ('branch' in ref) return `refs/heads/${ref.branch}`;
  return 'commit' in ref ? ref.commit : '';
}

async function tagOf(dir: string, remote: Remote, run: GitRun): Promise<string | null> {
  const { ref } = remote;
  if ('semver' in ref) return chooseTag(dir, remote, ref.semver, run);
  return 'tag' in ref ? ref.tag : null;
}

/** Whether it was made anew. */
async function prepare(dir: string, { url }: Remote): Promise<boolean> {
  await mkdir(dir, { recursive: true });
  const known = await tryGit(dir, ['config', '--local', '--get', 'remote.origin.url']);
  if (known?.trim() === url && (await sweepMirror(dir)) <= mostPacks) return false;
  // Of another remote nothing is of use.
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  await askGit(dir, ['init', '--bare', '--quiet']);
  // Only a remote with a name may leave contents out.
  await askGit(dir, ['config', 'remote.origin.promisor', 'true']);
  await askGit(dir, ['config', 'remote.origin.partialclonefilter', 'blob:none']);
  // Last: from here on it is whole.
  await askGit(dir, ['config', 'remote.origin.url', url]);
  return true;
}
