import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { pathProblems } from './files.ts';
import type { PathProblem } from './limits.ts';

/** The text of a file, a problem, or undefined when there is no such file any more. */
export async function readText(
  path: string,
  target: string,
  maxBytes: number,
): Promise<{ text: string } | PathProblem | undefined> {
  try {
    // What was a file when it was listed may have become a link or a pipe: neither is followed, neither makes us wait.
    await using file = await open(target, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const { size } = await file.stat();
    if (size > maxBytes) return pathProblems.fileTooLarge(path, size, maxBytes);
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(await file.readFile()) };
  } catch (error) {
    return problemOf(path, error);
  }
}

function problemOf(path: string, error: unknown): PathProblem | undefined {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  if (code === 'ENOENT') return undefined;
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return pathProblems.notText(path);
  const message = `file "${path}" cannot be read (${code}); give the controller the right to`;
  return { path, code: 'unreadable-file', message };
}
