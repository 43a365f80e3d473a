import type { ProblemCode } from '../../schemas/problem-codes.ts';

/** What a source may hold. */
export const folderLimits = {
  /** Manifests and SQL files. */
  files: 50_000,
  /** Folders and files of any kind. */
  entries: 200_000,
  /** One file, in bytes. */
  fileBytes: 1024 * 1024,
  /** All files together, in bytes. */
  totalBytes: 256 * 1024 * 1024,
} as const;

export type Limits = { readonly [Limit in keyof typeof folderLimits]: number };

/** What is wrong with one path of a folder. */
export type PathProblem = { readonly path: string; readonly code: ProblemCode; readonly message: string };

/** The folder itself cannot be read. The message is one sentence. */
export class FolderError extends Error {
  override readonly name = 'FolderError';

  constructor(dir: string, cause: NodeJS.ErrnoException) {
    super(`folder "${dir}" cannot be read (${cause.code}); create it or name another one`, { cause });
  }
}
