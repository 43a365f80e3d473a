import { posix, relative, resolve, sep } from 'node:path';
import { mergeBase, pathInRepository, readCommit, resolveCommit } from '../../controller/git/commit.ts';
import type { SourceFiles } from '../../controller/git/files.ts';
import { readFolder } from '../../controller/git/folder.ts';
import { GitError } from '../../controller/git/run.ts';
import { compile } from '../../controller/manifests/compile.ts';
import { comparePlans, type Side } from '../../controller/plan/compare.ts';
import type { Plan } from '../../controller/plan/plan.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit.ts';
import type { planFormats } from '../plan/formats.ts';
import { planMarkdown } from '../plan/markdown.ts';
import { planSarif } from '../plan/sarif.ts';
import { planText } from '../plan/text.ts';
import type { Terminal } from '../terminal.ts';

/** As `terraform plan` has them. */
const planExit = { same: 0, problems: 1, changes: 2 } as const;

type Options = {
  /** By default the commit that is checked out. */
  readonly base?: string;
  /** By default the files as they lie in the folder. */
  readonly head?: string;
  readonly path: string;
  readonly output: (typeof planFormats)[number];
};

/** What merging the head into the base would change. Needs neither controller nor database. */
export async function plan(options: Options, terminal: Terminal): Promise<ExitCode> {
  const sides = await readSides(options).catch((error) => {
    if (error instanceof GitError) throw new CommandError(planExit.problems, 'no-commit', error.message);
    throw error;
  });
  const found = comparePlans({ ...sides, now: terminal.now() });
  if (options.output === 'json') terminal.json({ base: sides.commits.base, head: sides.commits.head, ...found });
  else if (options.output === 'sarif') terminal.json(planSarif(found, sides.path));
  else if (options.output === 'markdown') terminal.out(planMarkdown(found).trimEnd());
  else terminal.out(planText(found, terminal.colors));
  return exitOf(found);
}

function exitOf({ problems, pipelines, pools, backfills }: Plan): ExitCode {
  if (problems.length > 0) return planExit.problems;
  return pipelines.length + pools.length + backfills.length > 0 ? planExit.changes : exitCodes.ok;
}

type Sides = { base: Side; head: Side; path: string; commits: { base: string; head: string | null } };

async function readSides({ base: baseRef = 'HEAD', head: headRef, path: folder }: Options): Promise<Sides> {
  const path = await repositoryPath(folder);
  const base = await resolveCommit('.', baseRef);
  if (headRef === undefined) {
    const [one, other] = [await readCommit({ dir: '.', commit: base, path }), await readWorking(folder)];
    return { base: compiled(one), head: compiled(other), path, commits: { base, head: null } };
  }
  const head = await resolveCommit('.', headRef);
  // What the base has gained since the two parted is not the head's doing.
  const since = await mergeBase('.', base, head);
  const [one, other] = await Promise.all([since, head].map((commit) => readCommit({ dir: '.', commit, path })));
  return {
    base: compiled(one as SourceFiles),
    head: compiled(other as SourceFiles),
    path,
    commits: { base: since, head },
  };
}

function compiled(source: SourceFiles): Side {
  const compilation = compile({ files: source.files });
  return { ...compilation, problems: [...source.problems, ...compilation.problems] };
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
