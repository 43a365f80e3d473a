import { execFileSync } from 'node:child_process';
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Paths, relative to the root, of everything that is in Git or about to be: ignored and deleted files are left out. */
export function filesInGit(): string[] {
  const list = (...options: string[]) =>
    execFileSync('git', ['ls-files', ...options], { cwd: root, encoding: 'utf8' })
      .split('\n')
      .filter(Boolean);
  const deleted = new Set(list('--deleted'));
  return list('--cached', '--others', '--exclude-standard', '--deduplicate').filter(
    // A link to a folder is nobody's text.
    (path) => !deleted.has(path) && !lstatSync(join(root, path)).isSymbolicLink(),
  );
}
