import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readFolder } from '../../controller/git/folder.ts';
import { compile } from '../../controller/manifests/compile.ts';
import type { CompiledPipeline, Problem } from '../../schemas/generated/types.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit.ts';
import { counted } from '../format/amounts.ts';
import { problemJson, problemText } from '../format/problems.ts';
import type { OutputFormat, Terminal } from '../terminal.ts';

export async function validate(
  dir: string,
  { output }: { output: OutputFormat },
  terminal: Terminal,
): Promise<ExitCode> {
  const { pipelines, problems } = await compileFolder(dir);
  if (output === 'json') {
    terminal.json({ pipelines: pipelines.map((pipeline) => pipeline.name), problems: problems.map(problemJson) });
    return problems.length > 0 ? exitCodes.failed : exitCodes.ok;
  }
  // With the folder before it, so that editors and terminals can open the place.
  for (const problem of problems)
    terminal.out(problemText({ ...problem, file: join(dir, problem.file) }, terminal.colors));
  terminal.out(verdict(pipelines.length, problems, terminal.colors));
  return problems.length > 0 ? exitCodes.failed : exitCodes.ok;
}

/** Reads and compiles a folder of manifests; a folder that cannot be read is a `CommandError`. */
export async function compileFolder(dir: string): Promise<{ pipelines: CompiledPipeline[]; problems: Problem[] }> {
  const folder = await stat(dir).catch(() => null);
  if (!folder?.isDirectory()) {
    throw new CommandError(
      exitCodes.unable,
      'no-folder',
      `there is no folder "${dir}"; name the folder with your manifests`,
    );
  }
  const source = await readFolder(dir);
  const compiled = compile(source.files);
  return { pipelines: compiled.pipelines, problems: [...source.problems, ...compiled.problems] };
}

function verdict(pipelines: number, problems: readonly Problem[], colors: Terminal['colors']): string {
  const good = counted(pipelines, 'pipeline');
  if (problems.length === 0) return `${colors.green('✓')} ${good}, no problems`;
  const files = new Set(problems.map((problem) => problem.file)).size;
  return `${colors.red('✗')} ${counted(problems.length, 'problem')} in ${counted(files, 'file')}; ${good} without`;
}
