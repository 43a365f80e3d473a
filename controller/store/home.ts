import { chmod, mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { lockHome } from './home-lock.ts';

const folders = ['attempts', 'bundles', 'artifacts', 'secrets', 'source-secrets'];

export type Home = {
  /** The real, absolute path: it stands in the command lines by which processes of this home are known. */
  readonly path: string;
  /** Lets the next controller in. */
  release(): Promise<void>;
};

/**
 * The folder of a controller, made when it is absent, and held by this process alone until `release` or its end. Throws one
 * sentence when the folder cannot be made or another controller holds it.
 */
export async function openHome(options: { path: string }): Promise<Home> {
  const path = await make(options.path);
  const lock = await lockHome(path);
  return { path, release: lock.release };
}

async function make(path: string): Promise<string> {
  try {
    // When root starts it, the embedded Postgres runs as another user, who must be able to pass through, not to look.
    const made = await mkdir(path, { recursive: true });
    if (made !== undefined) await chmod(path, process.getuid?.() === 0 ? 0o711 : 0o700);
    for (const folder of folders) await mkdir(join(path, folder), { recursive: true, mode: 0o700 });
    return await realpath(path);
  } catch (error) {
    throw explain(path, error as NodeJS.ErrnoException);
  }
}

function explain(path: string, error: NodeJS.ErrnoException): Error {
  const facts: Record<string, string> = {
    EACCES: 'this user may not write there',
    EROFS: 'its file system is read-only',
    ENOSPC: 'no space is left there',
    EEXIST: 'a file of that name is in the way',
    ENOTDIR: 'a part of that path is a file',
  };
  const fact = facts[error.code ?? ''] ?? error.message;
  return new Error(`home "${path}": it cannot be made, because ${fact}; choose another folder with --home`, {
    cause: error,
  });
}
