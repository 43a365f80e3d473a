import { isPassedOver, isRead, pathProblems } from './files.ts';
import type { Limits, PathProblem } from './limits.ts';
import { git } from './run.ts';

export type CommitPath = {
  /** Anywhere in the repository. */
  readonly dir: string;
  /** As `resolveCommit` gives it. */
  readonly commit: string;
  /** With `/`, from the top of the repository. */
  readonly path: string;
};

/** A file or a link: `name` is that of its blob. */
export type Leaf = { readonly name: string; readonly isLink: boolean };

/** What a folder has, by name. */
export type Tree = Map<string, Leaf | Tree>;

/** A listing of more bytes is of no source. */
const longestListing = 64 * 1024 * 1024;

export type Listed = {
  readonly tree: Tree;
  /** The commits of the submodules where files would be read, by path; they are not in the tree. */
  readonly submodules: ReadonlyMap<string, string>;
};

/**
 * All that a commit has below a path, but what submodules have. Empty where there is no such folder, null when it has more than `limits` allow.
 * Throws what Git says when the commit is not here or damaged.
 */
export async function listTree(at: CommitPath, limits: Limits): Promise<Listed | null> {
  const { dir, commit, path } = at;
  const tree: Tree = new Map();
  const submodules = new Map<string, string>();
  if ((await findObstacle(at)) !== null) return { tree, submodules };
  const top = path === '' ? commit : `${commit}:${path}`;
  const args = ['ls-tree', '-r', '-z', '--full-tree', '--end-of-options', top];
  const listed = await git(dir, args, { longest: longestListing });
  const lines = listed.split('\0');
  if (lines.length - 1 > limits.entries) return null;
  for (const line of lines) {
    // `100644 blob 8a4d…\tpath`
    const [, mode, type, name = '', below = ''] = /^(\d+) (\w+) ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
    if (type === 'blob') add(tree, below.split('/'), { name, isLink: mode === '120000' });
    if (type === 'commit' && !below.split('/').some(isPassedOver)) submodules.set(below, name);
  }
  return { tree, submodules };
}

function add(tree: Tree, segments: readonly string[], leaf: Leaf): void {
  let at = tree;
  for (const segment of segments.slice(0, -1)) {
    const next = at.get(segment);
    if (next instanceof Map) at = next;
    else {
      const made: Tree = new Map();
      at.set(segment, made);
      at = made;
    }
  }
  at.set(segments.at(-1) as string, leaf);
}

/** The names of the blobs of all links. */
export function linksIn(tree: Tree): string[] {
  return [...tree.values()].flatMap((each) => (each instanceof Map ? linksIn(each) : each.isLink ? [each.name] : []));
}

export type Found = {
  /** The name of the blob of every manifest and SQL file, by its path. */
  readonly files: Map<string, string>;
  readonly problems: PathProblem[];
  /** How many files and folders were looked at. */
  readonly entries: number;
};

type Walk = Found & {
  readonly targets: ReadonlyMap<string, string>;
  readonly limits: Limits;
  entries: number;
};
type Level = {
  readonly path: string;
  /** The folder itself, and those that hold it, the top first. */
  readonly stack: readonly Tree[];
  /** Those on the way to it, which may have led through links. */
  readonly visited: readonly Tree[];
};

type Walking = {
  readonly targets: ReadonlyMap<string, string>;
  readonly limits: Limits;
  /** Where the tree lies in the source. */
  readonly at: string;
};

/**
 * Goes through a tree as `listFolder` through a folder. `targets`: where links lead, by the name of their blob. Where there is more
 * than the limits allow, it has found less than all, and still more than they allow.
 */
export function walkTree(top: Tree, { targets, limits, at }: Walking): Found {
  const walk: Walk = { targets, limits, files: new Map(), problems: [], entries: 0 };
  visit(walk, { path: at, stack: [top], visited: [] });
  return walk;
}

export const isFull = ({ entries, files, limits }: Pick<Walk, 'entries' | 'files' | 'limits'>): boolean =>
  entries > limits.entries || files.size > limits.files;

function visit(walk: Walk, { path, stack, visited }: Level): void {
  const tree = stack.at(-1) as Tree;
  walk.entries += tree.size;
  for (const [name, each] of tree) {
    if (isFull(walk)) return;
    if (isPassedOver(name)) continue;
    const level = { path: path === '' ? name : `${path}/${name}`, stack, visited: [...visited, tree] };
    if (each instanceof Map) visit(walk, { ...level, stack: [...stack, each] });
    else if (each.isLink) visitLink(walk, each, level);
    else if (isRead(name)) walk.files.set(level.path, each.name);
  }
}

function visitLink(walk: Walk, link: Leaf, { path, stack, visited }: Level): void {
  const real = resolve(walk.targets, stack, link);
  if (real === 'nowhere') {
    if (isRead(path)) walk.problems.push(pathProblems.leadsNowhere(path));
  } else if (real === 'out') {
    // Whether it leads to a folder, nobody can know here; one with a suffix that is not read hardly does.
    if (isRead(path) || !/[^/]\.\w+$/.test(path)) walk.problems.push(pathProblems.leadsOut(path));
  } else if ('name' in real) {
    if (isRead(path)) walk.files.set(path, real.name);
    // A link to a folder that holds it would never end.
  } else if (!visited.includes(real.at(-1) as Tree)) visit(walk, { path, stack: real, visited });
}

/** As many links in a row as Linux follows. */
const mostHops = 40;

type Place = { readonly stack: readonly Tree[]; readonly at: Leaf | Tree };
type Lost = 'nowhere' | 'out';

/** The file that a link leads to, through other links too, or the folder with those that hold it. */
function resolve(
  targets: ReadonlyMap<string, string>,
  stack: readonly Tree[],
  link: Leaf,
): Leaf | readonly Tree[] | Lost {
  const todo: string[] = [];
  let place: Place = { stack, at: link };
  for (let hops = 0; ; ) {
    if (isLink(place.at)) {
      const target = targets.get(place.at.name);
      if (target === undefined || ++hops > mostHops) return 'nowhere';
      if (target.startsWith('/')) return 'out';
      todo.unshift(...target.split('/'));
      place = { stack: place.stack, at: place.stack.at(-1) as Tree };
    }
    const segment = todo.shift();
    if (segment === undefined) return place.at instanceof Map ? place.stack : place.at;
    const next = stepTo(place, segment);
    if (typeof next === 'string') return next;
    place = next;
  }
}

const isLink = (at: Leaf | Tree): at is Leaf => !(at instanceof Map) && at.isLink;

function stepTo({ stack, at }: Place, segment: string): Place | Lost {
  if (!(at instanceof Map)) return 'nowhere';
  if (segment === '' || segment === '.') return { stack, at };
  if (segment === '..') {
    const above = stack.at(-2);
    return above ? { stack: stack.slice(0, -1), at: above } : 'out';
  }
  const next = at.get(segment);
  if (!next) return 'nowhere';
  return { stack: next instanceof Map ? [...stack, next] : stack, at: next };
}

/** The first part of a path that is no folder in a commit, and what it is. */
type Obstacle = { readonly part: string; readonly is: 'missing' | 'a submodule' | 'a link' };

async function findObstacle({ dir, commit, path }: CommitPath): Promise<Obstacle | null> {
  if (path === '') return null;
  for (let end = path.indexOf('/'); ; end = path.indexOf('/', end + 1)) {
    const part = end === -1 ? path : path.slice(0, end);
    const [mode] = (await git(dir, ['ls-tree', '--full-tree', '--end-of-options', commit, part])).split(' ');
    if (mode === '160000') return { part, is: 'a submodule' };
    if (mode === '120000') return { part, is: 'a link' };
    if (mode !== '040000') return { part, is: 'missing' };
    if (end === -1) return null;
  }
}

/** Why a commit has no folder of that path, so that nothing counts as gone; null when it has. */
export async function explainPath(at: CommitPath): Promise<string | null> {
  const found = await findObstacle(at);
  if (found === null) return null;
  const short = at.commit.slice(0, 12);
  const { part, is } = found;
  if (is === 'a submodule') {
    return `"${part}" of commit ${short} is a submodule, which is not read; name its own repository`;
  }
  if (is === 'a link') return `"${part}" of commit ${short} is a symbolic link; name the folder that it leads to`;
  return `commit ${short} has no folder "${part}"; create it or name another path`;
}
