import { tryGit } from './ask.ts';
import { readBlobs, readSizes } from './blobs.ts';
import { pathProblems, type SourceFiles, toSourceFiles } from './files.ts';
import { folderLimits, type Limits } from './limits.ts';
import { GitError } from './run.ts';
import { type CommitPath, type Found, linksIn, listTree, walkTree } from './tree.ts';

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
  // Without one Git says nothing, and silence passes for success.
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
 * Reads what a commit has below a path, as `readFolder` reads a folder: symbolic links are followed inside it, and submodules,
 * filters and attributes are not. A commit without that path has no files. Throws a GitError when contents are not here or damaged.
 */
export async function readCommit(options: CommitPath & { limits?: Limits; known?: KnownTexts }): Promise<SourceFiles> {
  const { dir, commit, limits = folderLimits, known = createKnownTexts() } = options;
  const found = await listCommit(options).catch((error: unknown) => {
    throw new GitError(`commit ${commit.slice(0, 12)} cannot be read here; fetch it again, or clone anew`, {
      cause: error,
    });
  });
  const names = [...new Set(found.files.values())];
  const sizes = await readSizes(
    dir,
    names.filter((name) => known.get(name) === undefined),
  );
  const small = [...sizes.keys()].filter((name) => (sizes.get(name) ?? 0) <= limits.fileBytes);
  const bytes = names.reduce((sum, name) => sum + Buffer.byteLength(known.get(name) ?? ''), 0);
  if (small.reduce((sum, name) => sum + (sizes.get(name) ?? 0), bytes) > limits.totalBytes) {
    return toSourceFiles({ texts: new Map(), problems: [pathProblems.allTooLarge(limits)] });
  }
  const blobs = await readBlobs(dir, small);
  const problems = [...found.problems];
  const texts = new Map<string, string>();
  const byBlob = new Map<string, string>();
  for (const [path, name] of found.files) {
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
export function createCommitReader(options: Omit<CommitPath, 'commit'>): (commit: string) => Promise<SourceFiles> {
  const known = createKnownTexts();
  let last: { readonly commit: string; readonly found: SourceFiles } | null = null;
  return async (commit) => {
    if (last?.commit !== commit) last = { commit, found: await readCommit({ ...options, commit, known }) };
    return last.found;
  };
}

type Listing = CommitPath & {
  readonly limits?: Limits;
  /** Brings the links here, by their blobs: only they tell which files they lead to. */
  readonly bring?: (names: readonly string[]) => Promise<void>;
};

/** The files of a commit that are read, with their blobs. Throws when the commit is not here or damaged. */
export async function listCommit({ limits = folderLimits, bring, ...at }: Listing): Promise<Found> {
  const tree = await listTree(at, limits);
  if (tree === null) return { files: new Map(), problems: [pathProblems.tooMany(limits)] };
  const links = [...new Set(linksIn(tree))];
  await bring?.(links);
  const sizes = await readSizes(at.dir, links);
  const short = links.filter((name) => (sizes.get(name) ?? 0) <= longestTarget);
  const targets = await readBlobs(at.dir, short);
  // What it leads to would be missing from the source.
  if (targets.size < short.length) throw new Error(`commit ${at.commit} lacks a symbolic link`);
  const texts = [...targets].map(([name, target]) => [name, decode(target) ?? ''] as const);
  return walkTree(tree, new Map(texts), limits);
}

/** As in Linux. */
const longestTarget = 4096;

function decode(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
