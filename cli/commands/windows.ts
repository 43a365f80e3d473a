import type { Client } from '../../controller/api/client.ts';
import type { SkippedRange, WindowList, WindowRow } from '../../schemas/generated/types.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { counted } from '../format/amounts.ts';
import { phase } from '../format/phases.ts';
import { table } from '../format/table.ts';
import { localTime } from '../format/times.ts';
import type { Terminal } from '../terminal.ts';
import { type AskOptions, connect } from './connect.ts';

const largestPage = 1000;

export async function windows(
  pipeline: string,
  options: AskOptions & { limit: number },
  terminal: Terminal,
): Promise<ExitCode> {
  const list = await readWindows(await connect(options), pipeline, options.limit);
  if (options.output === 'json') terminal.json(list);
  else if (list.timeZone === null) terminal.out(`Pipeline "${pipeline}" has no schedule, so it has no windows.`);
  else if (list.windows.length === 0 && list.skipped.length === 0)
    terminal.out(`No window of pipeline "${pipeline}" has become due yet.`);
  else terminal.out(windowTable(list, list.timeZone, terminal));
  return exitCodes.ok;
}

async function readWindows(client: Client, pipeline: string, limit: number): Promise<WindowList> {
  const list = await client.windows(pipeline, { limit: Math.min(largestPage, limit) });
  while (list.next !== null && list.windows.length < limit) {
    const page = await client.windows(pipeline, {
      limit: Math.min(largestPage, limit - list.windows.length),
      before: list.next,
    });
    list.windows.push(...page.windows);
    list.skipped.push(...page.skipped);
    list.next = page.next;
  }
  return list;
}

function windowTable({ windows, skipped }: WindowList, timeZone: string, terminal: Terminal): string {
  const rows = [
    ...windows.map((window) => ({ start: window.start, cells: windowCells(window, timeZone, terminal) })),
    ...skipped.map((range) => ({ start: range.start, cells: skippedCells(range, timeZone, terminal) })),
  ];
  rows.sort((a, b) => Date.parse(b.start) - Date.parse(a.start));
  const header = [`START (${timeZone})`, timeZone === 'UTC' ? '' : 'START (UTC)', 'PHASE', 'RUN', 'REASON'];
  return table(
    header,
    rows.map((row) => row.cells),
    terminal,
  );
}

function windowCells(window: WindowRow, timeZone: string, { colors }: Terminal): string[] {
  return [...starts(window.start, timeZone), phase(window.phase, colors), window.run ?? '', window.reason ?? ''];
}

function skippedCells({ start, windows, reason }: SkippedRange, timeZone: string, { colors }: Terminal): string[] {
  return [...starts(start, timeZone), phase('Skipped', colors), colors.dim(counted(windows, 'window')), reason];
}

function starts(start: string, timeZone: string): string[] {
  return [localTime(start, timeZone), timeZone === 'UTC' ? '' : localTime(start, 'UTC')];
}
