import { join } from 'node:path';
import { onJobs, type TaskPlace } from '../../controller/manifests/place.ts';
import type { Problem } from '../../schemas/generated/types.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { compileFolder } from '../folder.ts';
import { counted } from '../format/amounts.ts';
import { problemJson, problemText } from '../format/problems.ts';
import type { OutputFormat, Terminal } from '../terminal.ts';

export async function validate(
  dir: string,
  { output, jobs, env: environment }: { output: OutputFormat; jobs?: string; env?: string },
  terminal: Terminal,
): Promise<ExitCode> {
  const { pipelines, problems } = await compileFolder(dir, {
    place: jobs === undefined ? undefined : await placeOf(jobs),
    environment,
  });
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

/** What the operator allows, by the file of `start --jobs`. */
async function placeOf(path: string): Promise<TaskPlace> {
  const { readJobsConfig } = await import('../jobs-config.ts');
  return onJobs(await readJobsConfig(path));
}

function verdict(pipelines: number, problems: readonly Problem[], colors: Terminal['colors']): string {
  const good = counted(pipelines, 'pipeline');
  if (problems.length === 0) return `${colors.green('✓')} ${good}, no problems`;
  const files = new Set(problems.map((problem) => problem.file)).size;
  return `${colors.red('✗')} ${counted(problems.length, 'problem')} in ${counted(files, 'file')}; ${good} without`;
}
