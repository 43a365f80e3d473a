import type { SourceSummary } from '../../schemas/generated/types.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { counted } from '../format/amounts.ts';
import { problemText } from '../format/problems.ts';
import { table } from '../format/table.ts';
import { relative } from '../format/times.ts';
import type { Terminal } from '../terminal.ts';
import { type AskOptions, connect } from './connect.ts';

const shownDigits = 12;
const header = ['NAME', 'LOCATION', 'REF', 'REVISION', 'AUTHOR', 'SYNCED', 'PIPELINES', 'STATE'];

/** Lists the sources, then why some cannot be read, then the problems of their manifests. */
export async function sources(options: AskOptions, terminal: Terminal): Promise<ExitCode> {
  const list = await (await connect(options)).sources();
  const { sources: all } = list;
  if (options.output === 'json') {
    terminal.json(list);
    return exitCodes.ok;
  }
  if (all.length === 0) terminal.out('No source is declared: give `pipewright start` a folder, --git or --source.');
  else
    terminal.out(
      table(
        header,
        all.map((source) => row(source, terminal)),
        terminal,
      ),
    );
  for (const { name, failure, failedAt } of all) {
    if (failure === null) continue;
    const since = failedAt === null ? '' : ` since ${relative(failedAt, terminal.now())}`;
    terminal.out(`${terminal.colors.red(name)} cannot be read${since}: ${failure}`);
  }
  for (const source of all) if (source.problemCount > 0) tellProblems(source, terminal);
  return exitCodes.ok;
}

function row(source: SourceSummary, { colors, now }: Terminal): string[] {
  const { name, location, ref, path, revision, author, syncedAt, pipelines } = source;
  return [
    name,
    path === '' ? location : `${location} (${path})`,
    ref ?? '',
    revision?.slice(0, shownDigits) ?? '',
    author ?? '',
    syncedAt === null ? '' : relative(syncedAt, now()),
    String(pipelines),
    state(source, colors),
  ];
}

function state({ suspended, failure, problemCount, revision }: SourceSummary, colors: Terminal['colors']): string {
  const parts = [
    ...(failure === null ? [] : [colors.red('failing')]),
    ...(problemCount === 0 ? [] : [colors.red(counted(problemCount, 'problem'))]),
    ...(suspended ? [colors.yellow('suspended')] : []),
  ];
  if (parts.length > 0) return parts.join(', ');
  return revision === null ? colors.dim('not read yet') : colors.green('ready');
}

function tellProblems({ name, problemCount, problems }: SourceSummary, terminal: Terminal): void {
  const more = problemCount - problems.length;
  terminal.out(
    `\n${terminal.colors.red(counted(problemCount, 'problem'))} in the manifests of ${name}; the last good versions go on:\n`,
  );
  for (const problem of problems) terminal.out(problemText(problem, terminal.colors));
  if (more > 0) terminal.out(`and ${more} more, which \`pipewright pipelines\` lists too`);
}
