import type { Client } from '../../controller/api/client.ts';
import type { BackfillChange, BackfillSummary, BackfillWindowList } from '../../schemas/generated/types.ts';
import { rateText } from '../../schemas/rate-text.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { progressText } from '../format/backfills.ts';
import { phase } from '../format/phases.ts';
import { table } from '../format/table.ts';
import { localTime, relative } from '../format/times.ts';
import type { Terminal } from '../terminal.ts';
import { type AskOptions, connect } from './connect.ts';

const largestPage = 1000;

type Options = AskOptions & {
  pipeline?: string;
  suspend?: true;
  resume?: true;
  cancel?: true;
  retry?: true;
  windows?: true;
  maxActiveRuns?: number;
  priority?: number;
};

/** Lists backfills, newest first, or the one of that name, changed as the options say; or its windows. */
export async function backfills(name: string | undefined, options: Options, terminal: Terminal): Promise<ExitCode> {
  const client = await connect(options);
  const change = changeOf(options);
  if (name === undefined) {
    if (change || options.windows) {
      terminal.error('which backfill is meant? name it: `pipewright backfills` lists them');
      return exitCodes.unable;
    }
    show((await client.backfills(options.pipeline)).backfills, options, terminal);
    return exitCodes.ok;
  }
  if (change) await client.changeBackfill(name, change);
  if (options.windows) showWindows(await allWindows(client, name), options, terminal);
  else show([await client.backfill(name)], options, terminal);
  return exitCodes.ok;
}

function changeOf({ suspend, resume, cancel, retry, maxActiveRuns, priority }: Options): BackfillChange | null {
  const change = {
    ...(suspend || resume ? { suspended: suspend === true } : {}),
    ...(cancel ? { cancel } : {}),
    ...(retry ? { retry } : {}),
    ...(maxActiveRuns === undefined ? {} : { maxActiveRuns }),
    ...(priority === undefined ? {} : { priority }),
  };
  return Object.keys(change).length > 0 ? change : null;
}

function show(found: readonly BackfillSummary[], { output }: Options, terminal: Terminal): void {
  const header = ['NAME', 'PIPELINE', 'FROM', 'TO', 'RERUN', 'PHASE', 'WINDOWS', 'RATE', 'STARTED', 'ENDS', 'BY'];
  if (output === 'json') terminal.json({ backfills: found });
  else if (found.length === 0) terminal.out('There are no backfills.');
  else {
    const rows = found.map((one) => row(one, terminal));
    terminal.out(table(header, rows, terminal));
  }
  const [only] = found;
  // Of a list it would not be known which one it is about.
  if (found.length === 1 && only?.message && output !== 'json') terminal.error(only.message);
}

function row(one: BackfillSummary, { colors, now }: Terminal): string[] {
  const end = one.finishedAt ?? one.expectedEndAt;
  return [
    one.name,
    one.pipeline,
    one.from.slice(0, 10),
    one.to.slice(0, 10),
    one.rerun,
    one.suspended && one.phase === 'Running' ? colors.yellow('Suspended') : phase(one.phase, colors),
    progressText(one),
    one.ratePerMinute === null ? '' : rateText(one.ratePerMinute),
    relative(one.startedAt, now()),
    end === null ? '' : relative(end, now()),
    one.actor,
  ];
}

async function allWindows(client: Client, name: string): Promise<BackfillWindowList> {
  const list = await client.backfillWindows(name, { limit: largestPage });
  while (list.next !== null) {
    const page = await client.backfillWindows(name, { after: list.next, limit: largestPage });
    list.windows.push(...page.windows);
    list.next = page.next;
  }
  return list;
}

function showWindows(list: BackfillWindowList, { output }: Options, terminal: Terminal): void {
  if (output === 'json') {
    terminal.json(list);
    return;
  }
  const rows = list.windows.map(({ label, start, phase: now, reason, run, version }) => [
    label,
    localTime(start, list.timeZone),
    now === 'Waiting' ? now : phase(now, terminal.colors),
    reason ?? '',
    run ?? '',
    version?.slice(0, 12) ?? '',
  ]);
  terminal.out(table(['WINDOW', `START (${list.timeZone})`, 'PHASE', 'REASON', 'RUN', 'VERSION'], rows, terminal));
}
