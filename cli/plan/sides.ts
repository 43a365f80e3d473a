import { posix, relative, resolve, sep } from 'node:path';
import { mergeBase, pathInRepository, readCommit, resolveCommit } from '../../controller/git/commit.ts';
import type { SourceFiles } from '../../controller/git/files.ts';
import { readFolder } from '../../controller/git/folder.ts';
import { GitError } from '../../controller/git/run.ts';
import { type Compiler, createCompiler } from '../../controller/manifests/compile.ts';
import { environmentsOf } from '../../controller/manifests/environment-folder.ts';
import type { Side } from '../../controller/plan/compare.ts';

export type SideOptions = {
  /** By default the commit that is checked out. */
  readonly base?: string;
  /** By default the files as they lie in the folder. */
  readonly head?: string;
  readonly path: string;
  /** Of which both sides are compiled. */
  readonly env?: string;
};

type Sides = { base: Side; head: Side; path: string; commits: { base: string; head: string | null } };

/** Reads and compiles both sides of a plan. Throws a GitError. */
export async function readSides(options: SideOptions): Promise<Sides> {
  const { base: baseRef = 'HEAD', head: headRef, path: folder } = options;
  const compiled = (one: SourceFiles, other: SourceFiles) => compileSides(one, other, options.env);
  const path = await repositoryPath(folder);
  const base = await resolveCommit('.', baseRef);
  if (headRef === undefined) {
    const [one, other] = [await readCommit({ dir: '.', commit: base, path }), await readWorking(folder)];
    return { ...compiled(one, other), path, commits: { base, head: null } };
  }
  const head = await resolveCommit('.', headRef);
  // What the base has gained since the two parted is not the head's doing.
  const since = await mergeBase('.', base, head);
  const [one, other] = await Promise.all([since, head].map((commit) => readCommit({ dir: '.', commit, path })));
  return { ...compiled(one as SourceFiles, other as SourceFiles), path, commits: { base: since, head } };
}

/** A base that has no such environment yet is taken as it is without one. */
function compileSides(
  one: SourceFiles,
  other: SourceFiles,
  environment: string | undefined,
): { base: Side; head: Side } {
  const isKnown = environment !== undefined && environmentsOf(one.files.keys()).includes(environment);
  // What is the same on both sides is compiled once.
  const compiler = createCompiler();
  return { base: sideOf(compiler, one, isKnown ? environment : undefined), head: sideOf(compiler, other, environment) };
}

function sideOf(compiler: Compiler, { files, problems }: SourceFiles, environment: string | undefined): Side {
  const compilation = compiler.compile({ files, environment });
  return { ...compilation, files, problems: [...problems, ...compilation.problems] };
}

/** A folder that is gone has nothing in it: every pipeline retires. */
async function readWorking(folder: string): Promise<SourceFiles> {
  return readFolder(folder).catch((error) => {
    if (error?.cause?.code !== 'ENOENT') throw error;
    return { files: new Map(), digest: '', problems: [], complete: true };
  });
}

/** The folder’s path from the top of the repository. It need not be there any more. */
async function repositoryPath(folder: string): Promise<string> {
  const below = relative(resolve('.'), resolve(folder)).split(sep).join('/');
  const path = posix.join(await pathInRepository('.'), below);
  if (path === '..' || path.startsWith('../')) {
    throw new GitError(`"${folder}" lies outside of the repository; name a folder in it`);
  }
  return path === '.' ? '' : path.replace(/\/$/, '');
}
