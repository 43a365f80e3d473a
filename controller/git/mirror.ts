import { mkdir, rm } from 'node:fs/promises';
import { listCommit, readCommit } from './commit.ts';
import type { SourceFiles } from './files.ts';
import { GitError, type GitRun, git, tryGit } from './run.ts';
import { configEnvironment } from './settings.ts';

/** Where manifests come from. The operator names it; a repository never does. */
export type Remote = {
  /** `https://…`, `ssh://…` or a path. Without a user or password in it. */
  readonly url: string;
  readonly ref: { readonly branch: string } | { readonly tag: string } | { readonly commit: string };
  /** With `/`, from the top of the repository; `''` for all of it. */
  readonly path: string;
  /** For http and https. */
  readonly token?: { readonly user: string; readonly password: string };
};

export interface Mirror {
  /** Fetches what the ref names now and what is read below the path, and nothing else. Returns the commit. */
  update(signal: AbortSignal): Promise<string>;
  read(commit: string): Promise<SourceFiles>;
}

const own = 'refs/pipewright/head';
/** One `git fetch` may take so long. */
const fetchMs = 120_000;

/**
 * A bare repository in `dir` that follows a remote: shallow and without the contents of files, of which only those that are read are
 * fetched, so that it costs what its path costs. It holds nothing that the remote does not have: when it is damaged, it is made anew.
 */
export function createMirror({ dir, remote }: { dir: string; remote: Remote }): Mirror {
  const refspec = `+${refOf(remote)}:${own}`;
  const common = ['--quiet', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head', '--no-auto-maintenance'];

  async function fetch(args: readonly string[], signal: AbortSignal, more: Record<string, string> = {}): Promise<void> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(fetchMs)]);
    const run: GitRun = { environment: configEnvironment({ ...settingsOf(remote), ...more }), signal: limit };
    await git(dir, ['fetch', ...common, ...args], run).catch((error) => {
      signal.throwIfAborted();
      throw explain(remote, limit.aborted ? new Error(`no end within ${fetchMs / 1_000} s`) : error);
    });
  }

  async function update(signal: AbortSignal): Promise<string> {
    await prepare(dir, remote);
    await fetch(['--depth=1', '--filter=blob:none', 'origin', refspec], signal);
    const commit = (await git(dir, ['rev-parse', '--verify', `${own}^{commit}`])).trim();
    const missing = await missingBlobs(dir, commit, remote.path);
    // A few hundred names a call: they are arguments.
    for (let at = 0; at < missing.length; at += 500) {
      // Told which commits are here, the server would take their contents for here too.
      const asking = { 'fetch.negotiationAlgorithm': 'noop' };
      await fetch(['--filter=blob:none', 'origin', ...missing.slice(at, at + 500)], signal, asking);
    }
    return commit;
  }

  return {
    async update(signal) {
      try {
        return await update(signal);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof GitError || (await isSound(dir))) throw error;
        await rm(dir, { recursive: true, force: true });
        return update(signal);
      }
    },
    read: (commit) => readCommit({ dir, commit, path: remote.path }),
  };
}

function refOf({ ref }: Remote): string {
  if ('branch' in ref) return `refs/heads/${ref.branch}`;
  return 'tag' in ref ? `refs/tags/${ref.tag}` : ref.commit;
}

/** The remote has a name because only a named one may leave contents out. */
function settingsOf({ url, token }: Remote): Record<string, string> {
  const basic = token && Buffer.from(`${token.user}:${token.password}`).toString('base64');
  return {
    'remote.origin.url': url,
    'transfer.fsckObjects': 'true',
    // Below the URL alone: a redirect to another host must not carry it there.
    ...(basic && { [`http.${new URL(url).origin}/.extraHeader`]: `Authorization: Basic ${basic}` }),
  };
}

async function prepare(dir: string, { url }: Remote): Promise<void> {
  await mkdir(dir, { recursive: true });
  const known = await tryGit(dir, ['config', '--local', '--get', 'remote.origin.url']);
  if (known?.trim() === url) return;
  // Of another remote nothing is of use.
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  await git(dir, ['init', '--bare', '--quiet']);
  await git(dir, ['config', 'remote.origin.promisor', 'true']);
  await git(dir, ['config', 'remote.origin.partialclonefilter', 'blob:none']);
  // Last: from here on it is whole.
  await git(dir, ['config', 'remote.origin.url', url]);
}

async function isSound(dir: string): Promise<boolean> {
  return (
    (await tryGit(dir, ['rev-parse', '--git-dir'])) !== null &&
    (await tryGit(dir, ['fsck', '--connectivity-only'])) !== null
  );
}

/** Names of contents that are read below the path and are not here yet. */
async function missingBlobs(dir: string, commit: string, path: string): Promise<string[]> {
  const { wanted } = await listCommit({ dir, commit, path });
  const tree = path === '' ? `${commit}^{tree}` : `${commit}:${path}`;
  const printed = await tryGit(dir, ['rev-list', '--objects', '--no-object-names', '--missing=print', tree]);
  const missing = new Set((printed ?? '').split('\n').flatMap((line) => (line.startsWith('?') ? [line.slice(1)] : [])));
  return [...new Set(wanted.map(({ name }) => name))].filter((name) => missing.has(name));
}

const reasons: readonly [pattern: RegExp, fact: string][] = [
  [/couldn't find remote ref|not our ref|no such remote ref/i, 'it has no such branch, tag or commit'],
  [
    /authentication failed|could not read (username|password)|access denied|permission denied|returned error: 40[13]/i,
    'it refuses the credentials',
  ],
  [
    /repository .*not found|does not appear to be a git repository|returned error: 404/i,
    'there is no repository, or the credentials may not see it',
  ],
  [
    /could not resolve host|connection refused|failed to connect|network is unreachable|timed out|no end within/i,
    'it cannot be reached',
  ],
  [/certificate|ssl/i, 'its certificate is not trusted'],
  [/no space left/i, 'the disk is full'],
];

/** One sentence, without credentials: Git repeats the URL, which has none. */
function explain({ url, ref }: Remote, error: unknown): GitError {
  const said = String((error as Error).message ?? error).trim();
  const fact = reasons.find(([pattern]) => pattern.test(said))?.[1] ?? 'it could not be fetched';
  const [kind, name] = Object.entries(ref)[0] as [string, string];
  const detail = said.split('\n').findLast((line) => /fatal|error/i.test(line)) ?? said.split('\n').at(-1) ?? '';
  return new GitError(`source ${url}, ${kind} "${name}": ${fact}; it is tried again (${detail.trim()})`, {
    cause: error,
  });
}
