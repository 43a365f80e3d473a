import { posix } from 'node:path';
import { readBlobs } from './blobs.ts';
import { isPassedOver, isRead, pathProblems, type SourceFiles, toSourceFiles } from './files.ts';
import { folderLimits, type Limits, type PathProblem } from './limits.ts';
import { GitError, tryGit } from './run.ts';

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

/** The path of `dir` below the top of its repository, `''` at the top. */
export async function pathInRepository(dir: string): Promise<string> {
  const found = await tryGit(dir, ['rev-parse', '--show-prefix']);
  if (found === null) throw noRepository(dir);
  return found.trim().replace(/\/$/, '');
}

function noRepository(dir: string): GitError {
  return new GitError(`"${dir}" lies in no Git repository; name a folder of one`);
}

export type CommitPath = {
  /** Anywhere in the repository. */
  readonly dir: string;
  /** As `resolveCommit` gives it. */
  readonly commit: string;
  /** With `/`, from the top of the repository. */
  readonly path: string;
};

/**
 * Reads what a commit has below a path, as `readFolder` reads a folder: symbolic links are followed inside it, and submodules,
 * filters and attributes are not. A commit without that path has no files.
 */
export async function readCommit(options: CommitPath & { limits?: Limits }): Promise<SourceFiles> {
  const { limits = folderLimits } = options;
  const { entries, wanted } = await listCommit(options);
  if (entries > limits.entries || wanted.filter(isFile).length > limits.files) {
    return toSourceFiles({ texts: new Map(), problems: [pathProblems.tooMany(limits)] });
  }
  const names = [...new Set(wanted.map(({ name }) => name))];
  const blobs = await readBlobs(options.dir, names, limits.fileBytes);
  const bytes = [...blobs.values()].reduce<number>(
    (sum, each) => sum + (typeof each === 'number' ? 0 : each.length),
    0,
  );
  if (bytes > limits.totalBytes) {
    return toSourceFiles({ texts: new Map(), problems: [pathProblems.allTooLarge(limits)] });
  }
  return toTexts(wanted, blobs, limits);
}

/** `name` is that of its blob. */
export type Entry = { readonly mode: string; readonly name: string; readonly path: string };

/** How much a commit has below a path, and those of its files and links that are read. */
export async function listCommit({ dir, commit, path }: CommitPath): Promise<{ entries: number; wanted: Entry[] }> {
  const tree = path === '' ? commit : `${commit}:${path}`;
  const listed = await tryGit(dir, ['ls-tree', '-r', '-z', '--full-tree', tree]);
  const lines = (listed ?? '').split('\0');
  return {
    entries: lines.length - 1,
    wanted: lines.flatMap(parseEntry).filter((each) => isLink(each) || isFile(each)),
  };
}

/** `100644 blob 8a4d…\tpath`; nothing for submodules and what is passed over. */
function parseEntry(line: string): Entry[] {
  const [, mode = '', type, name = '', path = ''] = /^(\d+) (\w+) ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
  return type !== 'blob' || path.split('/').some(isPassedOver) ? [] : [{ mode, name, path }];
}

const isLink = ({ mode }: Entry) => mode === '120000';
const isFile = (entry: Entry) => !isLink(entry) && isRead(entry.path);

function toTexts(wanted: readonly Entry[], blobs: ReadonlyMap<string, Buffer | number>, limits: Limits): SourceFiles {
  const problems: PathProblem[] = [];
  const own = new Map<string, string>();
  for (const { name, path } of wanted.filter(isFile)) {
    const content = blobs.get(name);
    const text = typeof content === 'object' ? decode(content) : null;
    if (text !== null) own.set(path, text);
    else if (typeof content === 'number') problems.push(pathProblems.fileTooLarge(path, content, limits.fileBytes));
    else problems.push(pathProblems.notText(path));
  }
  const texts = new Map(own);
  for (const { name, path } of wanted.filter(isLink)) {
    const target = blobs.get(name);
    follow({ path, target: (typeof target === 'object' && decode(target)) || '', own, texts, problems });
  }
  return toSourceFiles({ texts, problems });
}

type Link = {
  readonly path: string;
  readonly target: string;
  /** What is no link. */
  readonly own: ReadonlyMap<string, string>;
  readonly texts: Map<string, string>;
  readonly problems: PathProblem[];
};

function follow({ path, target, own, texts, problems }: Link): void {
  const real = posix.join(posix.dirname(path), target);
  if (posix.isAbsolute(target) || real === '..' || real.startsWith('../')) {
    problems.push(pathProblems.leadsOut(path));
    return;
  }
  const text = own.get(real);
  if (text !== undefined) {
    if (isRead(path)) texts.set(path, text);
    return;
  }
  const inside = real === '.' ? '' : `${real}/`;
  // A link to a folder that holds it would never end.
  if (path.startsWith(inside)) return;
  const below = [...own].filter(([each]) => each.startsWith(inside));
  for (const [each, content] of below) texts.set(`${path}/${each.slice(inside.length)}`, content);
  if (below.length === 0 && isRead(path)) problems.push(pathProblems.leadsNowhere(path));
}

function decode(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
