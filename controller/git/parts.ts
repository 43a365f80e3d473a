import { decode, readBlobs, readSizes } from './blobs.ts';
import { pathProblems } from './files.ts';
import { folderLimits, type Limits, type PathProblem } from './limits.ts';
import type { Submodules } from './submodules.ts';
import { type CommitPath, type Found, isFull, type Listed, linksIn, listTree, walkTree } from './tree.ts';

/** Files of a source that lie in one repository. */
export type Part = {
  readonly dir: string;
  /** The blob of each, by its path in the source. */
  readonly files: ReadonlyMap<string, string>;
};

type Listing = CommitPath & {
  /** Where it lies in the source; at its top without it. */
  readonly at?: string;
  readonly limits?: Limits;
  /** Brings the links here, by their blobs: only they tell which files they lead to. */
  readonly bring?: (names: readonly string[]) => Promise<void>;
};

type Parts = { readonly parts: readonly Part[]; readonly problems: readonly PathProblem[] };

/** The files of a commit that are read, with those of its submodules where these are read too. Throws when one is not here. */
export async function listParts(
  options: CommitPath & { readonly limits: Limits; readonly submodules?: Submodules | null },
): Promise<Parts> {
  const { dir, commit, limits, submodules } = options;
  const own = await listCommit(options);
  const found = await submodules?.find(commit, own.submodules);
  const parts = [{ dir, ...own }];
  const problems = [...(found?.problems ?? [])];
  for (const module of found?.modules ?? []) {
    const { at } = module;
    const listed = await listCommit({ dir: module.dir, commit: module.commit, path: '', at, limits });
    parts.push({ dir: module.dir, ...listed });
    problems.push(...[...listed.submodules.keys()].map((path) => pathProblems.nestedSubmodule(`${at}/${path}`)));
    const files = new Map(parts.flatMap((part) => [...part.files]));
    const entries = parts.reduce((sum, part) => sum + part.entries, 0);
    if (isFull({ files, entries, limits })) return { parts: [], problems: [pathProblems.tooMany(limits)] };
  }
  return { parts, problems: [...parts.flatMap((part) => part.problems), ...problems] };
}

type ListedFiles = Found & Pick<Listed, 'submodules'>;

/** The files of a commit that are read, with their blobs. Throws when the commit is not here or damaged. */
export async function listCommit({ limits = folderLimits, at = '', bring, ...of }: Listing): Promise<ListedFiles> {
  const listed = await listTree(of, limits);
  if (listed === null) return tooMany(limits);
  const { tree, submodules } = listed;
  const links = [...new Set(linksIn(tree))];
  await bring?.(links);
  const sizes = await readSizes(of.dir, links);
  const short = links.filter((name) => (sizes.get(name) ?? 0) <= longestTarget);
  const targets = await readBlobs(of.dir, short);
  // What it leads to would be missing from the source.
  if (targets.size < short.length) throw new Error(`commit ${of.commit} lacks a symbolic link`);
  const texts = [...targets].map(([name, target]) => [name, decode(target) ?? ''] as const);
  const found = walkTree(tree, { targets: new Map(texts), limits, at });
  return isFull({ ...found, limits }) ? tooMany(limits) : { ...found, submodules };
}

/** As in Linux. */
const longestTarget = 4096;

/** As many as there are too many of. */
const tooMany = (limits: Limits): ListedFiles => ({
  ...{ files: new Map(), problems: [pathProblems.tooMany(limits)], submodules: new Map() },
  entries: limits.entries + 1,
});
