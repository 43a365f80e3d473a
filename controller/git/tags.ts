import { maxSatisfying, validRange } from 'semver';
import { refuse } from './explain.ts';
import type { Remote } from './remote.ts';
import { type GitRun, git } from './run.ts';

/** The name of the tag that is the highest version in the range. Throws a GitError when there is none. */
export async function chooseTag(dir: string, remote: Remote, range: string, run: GitRun): Promise<string> {
  if (validRange(range) === null) {
    throw refuse(remote, 'that is no range of versions; write one as ">=1.2 <2", "1.x" or "^1.4.0"');
  }
  const listed = await git(dir, ['ls-remote', '--tags', '--refs', '--quiet', 'origin'], run);
  const names = listed.split('\n').flatMap((line) => line.match(/\trefs\/tags\/(.+)$/)?.[1] ?? []);
  const chosen = maxSatisfying(names, range);
  if (chosen !== null) return chosen;
  throw refuse(remote, `none of its ${names.length} tags is a version in that range; push one such as "v1.2.0"`);
}
