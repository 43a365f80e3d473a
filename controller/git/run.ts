import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { gitConfig, gitEnvironment } from './settings.ts';

/** Git could not do it. The message is one sentence. */
export class GitError extends Error {
  override readonly name: string = 'GitError';
}

/** A commit that was fetched and is not taken. */
export class RefusedCommitError extends GitError {
  override readonly name = 'RefusedCommitError';
  readonly commit: string;
  /** Why, without the source. */
  readonly fact: string;
  constructor(message: string, { commit, fact }: { commit: string; fact: string }) {
    super(message);
    this.commit = commit;
    this.fact = fact;
  }
}

/** Git ended with another exit code than 0. The message is what it said, for nobody to read as it is. */
export class GitRefusal extends Error {
  override readonly name = 'GitRefusal';
}

export type GitRun = {
  /** Beside `gitEnvironment`. */
  readonly environment?: Readonly<Record<string, string>>;
  /** For its standard input. */
  readonly input?: string;
  readonly signal?: AbortSignal;
  /** What it may print, in bytes. */
  readonly longest?: number;
};

type Ended = { readonly ok: boolean; readonly output: Buffer; readonly said: string };

const longestOutput = 512 * 1024 * 1024;
const longestSaid = 64 * 1024;

/** Runs `git`. Throws only when it could not be started or was ended: by the signal, or because it printed without end. */
export function runGit(dir: string, args: readonly string[], run: GitRun = {}): Promise<Ended> {
  const environment = { ...gitEnvironment, ...run.environment };
  return runProgram('git', dir, [...gitConfig.flatMap((each) => ['-c', each]), ...args], { ...run, environment });
}

/** The same for any program, with no other environment than the one given. */
export async function runProgram(
  program: 'git' | 'gpg',
  dir: string,
  args: readonly string[],
  { environment, input, signal, longest = longestOutput }: GitRun,
): Promise<Ended> {
  signal?.throwIfAborted();
  const child = spawn(program, args, {
    cwd: dir,
    env: environment,
    stdio: ['pipe', 'pipe', 'pipe'],
    // A group of its own: `git fetch` has children that would live on without it.
    detached: true,
  });
  const end = (): void => endGroup(child);
  signal?.addEventListener('abort', end, { once: true });
  try {
    const closed = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    const [code, output, said] = await Promise.all([
      closed,
      collect(child.stdout, longest, end),
      collect(child.stderr, longestSaid),
    ]);
    signal?.throwIfAborted();
    if (output === null) throw new GitError(`${program} prints more than ${longest} bytes; name a smaller path`);
    return { ok: code === 0, output, said: (said ?? Buffer.alloc(0)).toString() };
  } catch (error) {
    throw child.pid === undefined ? cannotStart(program, dir, error) : error;
  } finally {
    signal?.removeEventListener('abort', end);
  }
}

export function cannotStart(program: string, dir: string, cause: unknown): GitError {
  return new GitError(
    existsSync(dir)
      ? `the program "${program}" cannot be started; install it, and see that it is on the PATH`
      : `there is no folder "${dir}"; create it or name another one`,
    { cause },
  );
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    // What it leaves half done, the next one clears away.
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** Null when there was more and `onFull` had to end it; without `onFull` the rest is passed over. */
async function collect(stream: AsyncIterable<Buffer>, limit: number, onFull?: () => void): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
    else onFull?.();
  }
  return size > limit && onFull ? null : Buffer.concat(chunks);
}

/** What Git prints. Throws a GitRefusal when it ends with an error. */
export async function git(dir: string, args: readonly string[], run?: GitRun): Promise<string> {
  const { ok, output, said } = await runGit(dir, args, run);
  if (!ok) throw new GitRefusal(said);
  return output.toString();
}
