import type { BackfillChange, BackfillSummary } from '../../schemas/generated/types.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { progressText } from '../format/backfills.ts';
import { phase } from '../format/phases.ts';
import { table } from '../format/table.ts';
import { relative } from '../format/times.ts';
import type { Terminal } from '../terminal.ts';
import { type AskOptions, connect } from './connect.ts';

type Options = AskOptions & {
  pipeline?: string;
  suspend?: true;
  resume?: true;
  cancel?: true;
  retry?: true;
  maxActiveRuns?: number;
};

/** Lists backfills, newest first, or the one of that name, changed as the options say. */
export async function backfills(name: string | undefined, options: Options, terminal: Terminal): Promise<ExitCode> {
  const client = await connect(options);
  const change = changeOf(options);
  if (name === undefined) {
    if (change) {
      terminal.error('which backfill is to change? name it: `pipewright backfills` lists them');
      return exitCodes.unable;
    }
    show((await client.backfills(options.pipeline)).backfills, options, terminal);
    return exitCodes.ok;
  }
  if (change) await client.changeBackfill(name, change);
  show([await client.backfill(name)], options, terminal);
  return exitCodes.ok;
}

function changeOf({ suspend, resume, cancel, retry, maxActiveRuns }: Options): BackfillChange | null {
  const change = {
    ...(suspend || resume ? { suspended: suspend === true } : {}),
    ...(cancel ? { cancel } : {}),
    ...(retry ? { retry } : {}),
    ...(maxActiveRuns === undefined ? {} : { maxActiveRuns }),
  };
  return Object.keys(change).length > 0 ? change : null;
}

function show(found: readonly BackfillSummary[], { output }: Options, terminal: Terminal): void {
  const header = ['NAME', 'FROM', 'TO', 'RERUN', 'PHASE', 'WINDOWS', 'STARTED', 'ENDS', 'BY'];
  if (output === 'json') terminal.json({ backfills: found });
  else if (found.length === 0) terminal.out('There are no backfills.');
  else
    terminal.out(
      table(
        header,
        found.map((one) => row(one, terminal)),
        terminal,
      ),
    );
}

function row(one: BackfillSummary, { colors, now }: Terminal): string[] {
  const end = one.finishedAt ?? one.expectedEndAt;
  return [
    one.name,
    one.from.slice(0, 10),
    one.to.slice(0, 10),
    one.rerun,
    one.suspended && one.phase === 'Running' ? colors.yellow('Suspended') : phase(one.phase, colors),
    progressText(one),
    relative(one.createdAt, now()),
    end === null ? '' : relative(end, now()),
    one.actor,
  ];
}
