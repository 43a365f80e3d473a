import type { BackfillPreview, Rerun } from '../../schemas/generated/types.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { counted } from '../format/amounts.ts';
import { progressText } from '../format/backfills.ts';
import { phase } from '../format/phases.ts';
import { table } from '../format/table.ts';
import { localTime } from '../format/times.ts';
import type { Terminal } from '../terminal.ts';
import { type AskOptions, connect } from './connect.ts';
import { until } from './wait.ts';

type Options = AskOptions & {
  from: string;
  to: string;
  rerun?: Rerun;
  order?: 'oldest' | 'newest';
  maxActiveRuns?: number;
  priority?: number;
  name?: string;
  version?: 'head' | 'original';
  var: Record<string, string>;
  dependents?: boolean;
  dryRun?: boolean;
  wait?: boolean;
};

/** Asks for a range of windows, or with `--dry-run` only shows which they are. */
export async function backfill(pipeline: string, options: Options, terminal: Terminal): Promise<ExitCode> {
  const client = await connect(options);
  const { from, to, rerun, order, dependents } = options;
  const which = { from, to, ...(rerun && { rerun }), ...(order && { order }), ...(dependents && { dependents }) };
  if (options.dryRun) {
    const preview = await client.previewBackfill(pipeline, which);
    if (options.output === 'json') terminal.json(preview);
    else showPreview(preview, terminal);
    return exitCodes.ok;
  }
  const answer = await client.startBackfill({ pipeline, ...which, ...howOf(options) });
  if (options.output !== 'json')
    for (const made of [answer, ...(answer.dependents ?? [])])
      terminal.out(`${made.backfill}  ${counted(made.windows, 'window')}`);
  if (!options.wait) {
    if (options.output === 'json') terminal.json(answer);
    return exitCodes.ok;
  }
  const ended = await until(terminal, {
    look: () => client.backfill(answer.backfill),
    isOver: ({ phase: now }) => now !== 'Running',
    progress: (found) => `${found.name}  ${progressText(found)}`,
  });
  if (options.output === 'json') terminal.json(ended);
  else terminal.error(`${phase(ended.phase, terminal.errorColors)}  ${progressText(ended)}`);
  return ended.phase === 'Succeeded' ? exitCodes.ok : exitCodes.failed;
}

function howOf({ maxActiveRuns, priority, name, version, var: variables }: Options) {
  return {
    ...(maxActiveRuns === undefined ? {} : { maxActiveRuns }),
    ...(priority === undefined ? {} : { priority }),
    ...(name === undefined ? {} : { name }),
    ...(version && { version }),
    variables,
  };
}

function showPreview(preview: BackfillPreview, terminal: Terminal): void {
  const { windows, total, notClosed, kept, timeZone } = preview;
  if (total > 0) {
    const rows = windows.map(({ label, start, phase: now, run }) => [
      label,
      localTime(start, timeZone),
      phase(now, terminal.colors),
      run ?? '',
    ]);
    terminal.out(table(['WINDOW', `START (${timeZone})`, 'NOW', 'LAST RUN'], rows, terminal));
    if (total > windows.length) terminal.out(`… and ${total - windows.length} more`);
  }
  const others = [
    kept > 0 ? `${counted(kept, 'window')} of the range stay as they are` : '',
    notClosed > 0 ? `${counted(notClosed, 'window')} have not closed yet and are left to the schedule` : '',
  ].filter(Boolean);
  terminal.error(`${counted(total, 'window')} would run.${others.length > 0 ? ` ${others.join('; ')}.` : ''}`);
  for (const { pipeline, total: theirs } of preview.dependents ?? [])
    terminal.error(`Then ${counted(theirs, 'window')} of ${pipeline}.`);
}
