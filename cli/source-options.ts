import { readFile } from 'node:fs/promises';
import type { Given } from '../controller/git/sources.ts';
import { readSources } from '../controller/manifests/read-sources.ts';
import type { SourceDeclaration } from '../schemas/source-declarations.ts';
import { CommandError, exitCodes } from './exit.ts';
import { counted } from './format/amounts.ts';
import { problemJson, problemText } from './format/problems.ts';
import { defaultDir, gitOf, type SourceOptions } from './git-options.ts';
import type { OutputFormat, Terminal } from './terminal.ts';

const folderMs = 60_000;

/** What `start` reads manifests from. Prints the problems of declarations before it throws. */
export async function sourcesOf(
  options: SourceOptions & { readonly output: OutputFormat },
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
): Promise<readonly Given[]> {
  const local = localOf(options, environment);
  const declarations = await readDeclarations(options, terminal);
  if (local && declarations.some(({ name }) => name === local.declaration.name)) {
    throw unable(`--source declares "local", which is what ${options.git ? '--git' : '--dir'} is called; rename it`);
  }
  return [...(local ? [local] : []), ...declarations.map((declaration) => ({ declaration }))];
}

/** The source `local`, of the flags; undefined where files declare all there are. */
function localOf(options: SourceOptions, environment: NodeJS.ProcessEnv): Given | undefined {
  const { dir, at, env, source } = options;
  const git = gitOf(options, environment);
  if (git && dir !== undefined)
    throw unable('--git and --dir are both given, and each is the source "local"; keep one');
  if (git && at !== undefined) throw unable('--at belongs to --dir; remove it, or name a commit with --commit');
  const more = env === undefined ? {} : { environment: env };
  if (git) return { ...git, declaration: { ...git.declaration, spec: { ...git.declaration.spec, ...more } } };
  if (dir === undefined && at === undefined && env === undefined && source.length > 0) return undefined;
  const folder = { path: dir ?? defaultDir, ...(at !== undefined && { at }) };
  const declaration = { name: 'local', spec: { folder, ...more }, everyMs: folderMs };
  return { declaration };
}

async function readDeclarations(
  { source, output }: Pick<SourceOptions, 'source'> & { output: OutputFormat },
  terminal: Terminal,
): Promise<SourceDeclaration[]> {
  const files = await Promise.all(source.map(async (path) => [path, await readDeclaration(path)] as const));
  const { declarations, problems } = readSources(new Map(files));
  for (const problem of problems)
    terminal.error(
      output === 'json' ? JSON.stringify(problemJson(problem)) : problemText(problem, terminal.errorColors),
    );
  if (problems.length === 0) return declarations;
  throw unable(`--source: ${counted(problems.length, 'problem')} in what declares the sources; correct them`);
}

async function readDeclaration(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw unable(`--source ${path}: it cannot be read (${code}); name a file that declares sources`);
  }
}

/** Where it is, for a person. */
export function placeOf({ spec, name }: SourceDeclaration): string {
  return spec.git?.url ?? spec.folder?.path ?? name;
}

function unable(message: string): CommandError {
  return new CommandError(exitCodes.unable, 'bad-source', message);
}
