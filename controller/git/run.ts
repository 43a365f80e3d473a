import { simpleGit } from 'simple-git';
import { gitEnvironment, gitOptions } from './settings.ts';

/** Git could not do it. The message is one sentence. */
export class GitError extends Error {
  override readonly name = 'GitError';
}

export type GitRun = {
  /** Beside `gitEnvironment`; of its names only those that `settings.ts` allows. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
};

/** What Git prints. Throws what it says when it refuses; silence passes for success, whatever its exit code. */
export async function git(dir: string, args: readonly string[], { environment, signal }: GitRun = {}): Promise<string> {
  const program = simpleGit({ baseDir: dir, ...gitOptions, ...(signal ? { abort: signal } : {}) });
  try {
    return await program.env({ ...gitEnvironment, ...environment }).raw([...args]);
  } catch (error) {
    signal?.throwIfAborted();
    if (/\bspawn git ENOENT\b/.test(String(error))) {
      throw new GitError('there is no program `git` on the PATH; install it', { cause: error });
    }
    throw error;
  }
}

/** The same; null when it refuses. */
export async function tryGit(dir: string, args: readonly string[], options: GitRun = {}): Promise<string | null> {
  try {
    return await git(dir, args, options);
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof GitError) throw error;
    return null;
  }
}
