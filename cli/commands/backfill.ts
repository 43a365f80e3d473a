import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../controller/api/client.ts';
import type { BackfillPreview, BackfillRequest, BackfillSummary, Rerun } from '../../schemas/generated/types.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { counted } from '../format/amounts.ts';
import { progressText } from '../format/backfills.ts';
import { phase } from '../format/phases.ts';
import { table } from '../format/table.ts';
import { localTime } from '../format/times.ts';
import type { Terminal } from '../terminal.ts';
import { type AskOptions, connect } from './connect.ts';

const everyMs = 500;

type Options = AskOptions & {
  from: string;
  to: string;
  rerun?: Rerun;
  order?: 'oldest' | 'newest';
  maxActiveRuns?: number;
  version?: 'head' | 'original';
  var: Record<string, string>;
  dryRun?: boolean;
  wait?: boolean;
};

/** Asks for a range of windows, or with `--dry-run` only shows which they are. */
export async function backfill(pipeline: string, options: Options, terminal: Terminal): Promise<ExitCode> {
  const client = await connect(options);
  const { from, to, rerun, order, maxActiveRuns, version } = options;
  const which = { from, to, ...given({ rerun, order }) };
  if (options.dryRun) {
    const preview = await client.previewBackfill(pipeline, which);
    if (options.output === 'json') terminal.json(preview);
    else showPreview(preview, terminal);
    return exitCodes.ok;
  }
  const request = { pipeline, ...which, ...given({ maxActiveRuns, version }), variables: options.var };
  const answer = await client.startBackfill(request as BackfillRequest);
  if (options.output !== 'json') terminal.out(`${answer.backfill}  ${counted(answer.windows, 'window')}`);
  if (!options.wait) {
    if (options.output === 'json') terminal.json(answer);
    return exitCodes.ok;
  }
  const ended = await untilEnded(client, answer.backfill, terminal);
  if (options.output === 'json') terminal.json(ended);
  else terminal.error(`${phase(ended.phase, terminal.errorColors)}  ${progressText(ended)}`);
  return ended.phase === 'Succeeded' ? exitCodes.ok : exitCodes.failed;
}

async function untilEnded(client: Client, name: string, { progress }: Terminal): Promise<BackfillSummary> {
  try {
    for (;;) {
      const found = await client.backfill(name);
      if (found.phase !== 'Running') return found;
      progress?.show(`${name}  ${progressText(found)}`);
      await sleep(everyMs);
    }
  } finally {
    progress?.clear();
  }
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
}

function given(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
