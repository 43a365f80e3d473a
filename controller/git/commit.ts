import { tryGit } from './ask.ts';
import { decode, readBlobs, readSizes } from './blobs.ts';
import { pathProblems, type SourceFiles, toSourceFiles } from './files.ts';
import { folderLimits, type Limits } from './limits.ts';
import { listParts, type Part } from './parts.ts';
import { GitError } from './run.ts';
import type { Submodules } from './submodules.ts';
import type { CommitPath } from './tree.ts';

/** The full name of a commit. Throws a GitError when there is none, or `dir` is in no repository. */
export async function resolveCommit(dir: string, ref: string): Promise<string> {
  // `--end-of-options`: a name that begins with a dash is a name.
  const found = await tryGit(dir, ['rev-parse', '--verify', '--end-of-options', `${ref}^{commit}`]);
  if (found !== null) return found.trim();
  if ((await tryGit(dir, ['rev-parse', '--git-dir'])) === null) throw noRepository(dir);
  throw new GitError(`there is no commit "${ref}" here; fetch it, or name another branch, tag or commit`);
}

/** Where two commits parted; what a merge of `head` into `base` changes is what changed since. */
export async function mergeBase(dir: string, base: string, head: string): Promise<string> {
  const found = await tryGit(dir, ['merge-base', base, head]);
  if (found) return found.trim();
  throw new GitError(
    `commits ${base.slice(0, 12)} and ${head.slice(0, 12)} have no common history here; fetch the whole history of both`,
  );
}

const longestAuthor = 200;

/** `Name <mail>`, as the commit has it: whoever made it wrote what they liked. Null where there is neither. */
export async function authorOf(dir: string, commit: string): Promise<string | null> {
  const found = await tryGit(dir, [
    'log',
    '-1',
    '--no-show-signature',
    '--format=%an <%ae>',
    '--end-of-options',
    commit,
  ]);
  const text = (found ?? '').replace(/\p{C}/gu, ' ').trim().slice(0, longestAuthor);
  return text === '' || text === '<>' ? null : text;
}

/** The path of `dir` below the top of its repository, `''` at the top. */
export async function pathInRepository(dir: string): Promise<string> {
  const found = await tryGit(dir, ['rev-parse', '--show-prefix']);
  if (found === null) throw noRepository(dir);
  return found.trim().replace(/\/$/, '');
}

function noRepository(dir: string): GitError {
  return new GitError(`"${dir}" lies in no Git repository; name a folder of one`);
}

/**
 * Reads what a commit has below a path, as `readFolder` reads a folder: symbolic links are followed inside it; filters and attributes
 * are not, and submodules only where they are given. A commit without that path has no files. Throws a GitError when contents are
 * not here or damaged.
 */
export async function readCommit(options: CommitPath & Reading): Promise<SourceFiles> {
  const { commit, limits = folderLimits, known = createKnownTexts() } = options;
  const found = await listParts({ ...options, limits }).catch((error: unknown) => {
    throw new GitError(`commit ${commit.slice(0, 12)} cannot be read here; fetch it again, or clone anew`, {
      cause: error,
    });
  });
  const files = found.parts.flatMap((part) => [...part.files]);
  const names = new Set(files.map(([, name]) => name));
  const sizes = await ofParts(found.parts, readSizes, (name) => known.get(name) === undefined);
  const small = new Set([...sizes.keys()].filter((name) => (sizes.get(name) ?? 0) <= limits.fileBytes));
  const bytes = [...names].reduce((sum, name) => sum + Buffer.byteLength(known.get(name) ?? ''), 0);
  if ([...small].reduce((sum, name) => sum + (sizes.get(name) ?? 0), bytes) > limits.totalBytes) {
    return toSourceFiles({ texts: new Map(), problems: [pathProblems.allTooLarge(limits)] });
  }
  const blobs = await ofParts(found.parts, readBlobs, (name) => small.has(name));
  const problems = [...found.problems];
  const texts = new Map<string, string>();
  const byBlob = new Map<string, string>();
  for (const [path, name] of files) {
    const size = sizes.get(name) ?? 0;
    const content = blobs.get(name);
    const text = byBlob.get(name) ?? known.get(name) ?? (content && decode(content));
    if (typeof text === 'string') {
      texts.set(path, text);
      byBlob.set(name, text);
    } else if (size > limits.fileBytes) problems.push(pathProblems.fileTooLarge(path, size, limits.fileBytes));
    else if (content) problems.push(pathProblems.notText(path));
    else
      throw new GitError(`commit ${commit.slice(0, 12)} lacks the content of "${path}" here; fetch it, or clone anew`);
  }
  known.keep(byBlob);
  return toSourceFiles({ texts, problems });
}

type Reading = { readonly limits?: Limits; readonly known?: KnownTexts; readonly submodules?: Submodules | null };

type Ask<Answer> = (dir: string, names: readonly string[]) => Promise<Map<string, Answer>>;

/** Asks for those of the blobs of each part that are wanted. */
async function ofParts<Answer>(
  parts: readonly Part[],
  ask: Ask<Answer>,
  isWanted: (name: string) => boolean,
): Promise<Map<string, Answer>> {
  const all = new Map<string, Answer>();
  for (const { dir, files } of parts) {
    const names = [...new Set(files.values())].filter(isWanted);
    for (const [name, answer] of await ask(dir, names)) all.set(name, answer);
  }
  return all;
}

/** Texts by the blobs that have them. */
type KnownTexts = {
  get(blob: string): string | undefined;
  keep(texts: ReadonlyMap<string, string>): void;
};

function createKnownTexts(): KnownTexts {
  let texts: ReadonlyMap<string, string> = new Map();
  return {
    get: (blob) => texts.get(blob),
    keep(read) {
      texts = read;
    },
  };
}

/** `readCommit` for one commit after the other: of each only those contents are read that the one before did not have. */
export function createCommitReader(
  options: Omit<CommitPath, 'commit'> & Pick<Reading, 'submodules'>,
): (commit: string) => Promise<SourceFiles> {
  const known = createKnownTexts();
  let last: { readonly commit: string; readonly found: SourceFiles } | null = null;
  return async (commit) => {
    if (last?.commit !== commit) last = { commit, found: await readCommit({ ...options, commit, known }) };
    return last.found;
  };
}
