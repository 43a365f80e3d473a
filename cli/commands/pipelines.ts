import type { PipelineSummary } from '../../schemas/generated/types.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { counted } from '../format/amounts.ts';
import { phase } from '../format/phases.ts';
import { problemText } from '../format/problems.ts';
import { table } from '../format/table.ts';
import { localTime, relative } from '../format/times.ts';
import type { Terminal } from '../terminal.ts';
import { type AskOptions, connect } from './connect.ts';

export async function pipelines(options: AskOptions, terminal: Terminal): Promise<ExitCode> {
  const list = await (await connect(options)).pipelines();
  if (options.output === 'json') {
    terminal.json(list);
    return exitCodes.ok;
  }
  const areSeveral = new Set(list.pipelines.map(({ source }) => source)).size > 1;
  if (list.pipelines.length === 0)
    terminal.out('There are no pipelines yet: put a manifest into the folder that the controller watches.');
  else
    terminal.out(
      table(
        header,
        list.pipelines.map((pipeline) => row(pipeline, areSeveral, terminal)),
        terminal,
      ),
    );
  for (const { name, quiet } of list.pipelines) {
    if (quiet === null) continue;
    const since = relative(quiet.since, terminal.now());
    terminal.out(`${terminal.colors.yellow(name)} is quiet: a success was due ${since}, and ${quiet.message}.`);
  }
  if (list.problems.length > 0) {
    terminal.out(
      `\n${terminal.colors.red(counted(list.problems.length, 'problem'))} in the manifests; the last good versions go on:\n`,
    );
    for (const problem of list.problems) terminal.out(problemText(problem, terminal.colors));
  }
  return exitCodes.ok;
}

const header = ['NAME', 'SOURCE', 'SCHEDULE', 'LAST', 'WINDOW', 'SUCCESS', 'NEXT', 'RUNNING', 'QUEUED', 'STATE'];

/** `withSource`: with one source its name says nothing, and a column without anything in it is left out. */
function row(pipeline: PipelineSummary, withSource: boolean, { colors, now }: Terminal): string[] {
  const { name, source, schedule, timeZone, lastPhase, lastWindow, lastSuccess, nextDueAt, activeRuns, queuedRuns } =
    pipeline;
  const zone = timeZone === null || timeZone === 'UTC' ? '' : ` (${timeZone})`;
  return [
    name,
    withSource ? source : '',
    schedule === null ? colors.dim('on demand') : `${schedule}${zone}`,
    lastPhase === null ? '' : phase(lastPhase, colors),
    lastWindow === null ? '' : localTime(lastWindow.start, timeZone ?? 'UTC').replace(/ 00:00$/, ''),
    lastSuccess?.at ? relative(lastSuccess.at, now()) : '',
    nextDueAt === null ? '' : relative(nextDueAt, now()),
    activeRuns === 0 ? '' : String(activeRuns),
    queuedRuns === 0 ? '' : String(queuedRuns),
    state(pipeline, colors),
  ];
}

function state({ ready, suspended, quiet }: PipelineSummary, colors: Terminal['colors']): string {
  const parts = [
    ...(ready ? [] : [colors.red('problems')]),
    ...(suspended ? [colors.yellow('suspended')] : []),
    ...(quiet === null ? [] : [colors.yellow('quiet')]),
  ];
  return parts.join(', ') || colors.green('ready');
}
