import { simpleGit } from 'simple-git';
import { cannotStart, GitRefusal } from './run.ts';
import { gitConfig, gitEnvironment } from './settings.ts';

/**
 * Asks Git a short question about a repository, or sets something in it: what it prints. Throws a GitRefusal when it ends with an
 * error. What may print much, or talk to a remote, is for `run.ts`: here it could neither be limited nor ended with its children.
 */
export async function askGit(dir: string, args: readonly string[], signal?: AbortSignal): Promise<string> {
  signal?.throwIfAborted();
  try {
    const program = simpleGit({ baseDir: dir, ...options, ...(signal ? { abort: signal } : {}) });
    return await program.env({ ...gitEnvironment }).raw([...args]);
  } catch (error) {
    signal?.throwIfAborted();
    if (/\bspawn git ENOENT\b|directory that does not exist/.test(String(error))) throw cannotStart('git', dir, error);
    throw new GitRefusal((error as Error).message);
  }
}

/** The same; null when it ends with an error. */
export async function tryGit(dir: string, args: readonly string[]): Promise<string | null> {
  try {
    return await askGit(dir, args);
  } catch (error) {
    if (error instanceof GitRefusal) return null;
    throw error;
  }
}

const options = {
  config: gitConfig,
  // Without this, silence passes for success whatever the exit code is.
  errors: (_: Buffer | Error | undefined, { exitCode, stdErr }: { exitCode: number; stdErr: Buffer[] }) =>
    exitCode === 0 ? undefined : Buffer.concat([...stdErr, Buffer.from(' ')]),
  // simple-git refuses these unless it is told that they are meant.
  allowEnvironment: Object.keys(gitEnvironment),
  unsafe: {
    allowUnsafeConfigPaths: true,
    allowUnsafeProtocolOverride: true,
    allowUnsafeHooksPath: true,
    allowUnsafeConfigEnvCount: true,
  },
};
