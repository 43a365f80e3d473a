import type { Client } from '../../controller/api/client.ts';
import type { CalendarSpan, SkippedRange, WindowList, WindowRow } from '../../schemas/generated/types.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { counted } from '../format/amounts.ts';
import { grid } from '../format/grid.ts';
import { phase } from '../format/phases.ts';
import { table } from '../format/table.ts';
import { localTime, relative } from '../format/times.ts';
import type { Terminal } from '../terminal.ts';
import { type AskOptions, connect } from './connect.ts';

const largestPage = 1000;
/** By default: of the ledger, and of a span. */
const limits = { list: 100, span: 10_000 };

type Options = AskOptions & { from?: string; to?: string; grid?: true; limit?: number };

export async function windows(pipeline: string, options: Options, terminal: Terminal): Promise<ExitCode> {
  if (options.from === undefined) {
    const stray = options.grid ? '--grid' : options.to === undefined ? null : '--to';
    if (stray) {
      terminal.error(`${stray} belongs to --from, which says where the span begins; add it, as in --from 2019`);
      return exitCodes.unable;
    }
    await showList(pipeline, options, terminal);
  } else await showSpan(pipeline, { ...options, from: options.from }, terminal);
  return exitCodes.ok;
}

async function showList(pipeline: string, options: Options, terminal: Terminal): Promise<void> {
  const list = await readWindows(await connect(options), pipeline, options.limit ?? limits.list);
  if (options.output === 'json') terminal.json(list);
  else if (list.timeZone === null) terminal.out(noSchedule(pipeline));
  else if (list.windows.length === 0 && list.skipped.length === 0)
    terminal.out(`No window of pipeline "${pipeline}" has become due yet.`);
  else terminal.out(windowTable(list, list.timeZone, terminal));
}

async function showSpan(pipeline: string, options: Options & { from: string }, terminal: Terminal): Promise<void> {
  const { from, to = yearAfter(from), limit = limits.span } = options;
  const span = await readSpan(await connect(options), pipeline, { from, to, limit });
  if (options.output === 'json') return terminal.json(span);
  if (span.timeZone === null) return terminal.out(noSchedule(pipeline));
  if (span.windows.length === 0) return terminal.out(`No window of pipeline "${pipeline}" begins in ${from} … ${to}.`);
  terminal.out(
    options.grid ? grid(span.windows, span.timeZone, terminal) : spanTable(span.windows, span.timeZone, terminal),
  );
  if (span.next !== null) terminal.error(`More follow; go on with --from ${span.next}, or raise --limit.`);
}

const noSchedule = (pipeline: string) => `Pipeline "${pipeline}" has no schedule, so it has no windows.`;

/** `2019-01-31T06:00` → the same in 2020, so that no zone has to be known here. */
function yearAfter(from: string): string {
  return from.replace(/^\d{4}/, (year) => String(Number(year) + 1).padStart(4, '0')).replace(/^(\d{4}-02)-29/, '$1-28');
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

async function readSpan(
  client: Client,
  pipeline: string,
  { from, to, limit }: { from: string; to: string; limit: number },
): Promise<CalendarSpan> {
  const span = await client.calendar(pipeline, { from, to, limit: Math.min(largestPage, limit) });
  while (span.next !== null && span.windows.length < limit) {
    const left = Math.min(largestPage, limit - span.windows.length);
    const page = await client.calendar(pipeline, { from: span.next, to, limit: left });
    span.windows.push(...page.windows);
    span.next = page.next;
  }
  return span;
}

function windowTable({ windows, skipped }: WindowList, timeZone: string, terminal: Terminal): string {
  const rows = [
    ...windows.map((window) => ({ start: window.start, cells: windowCells(window, timeZone, terminal) })),
    ...skipped.map((range) => ({ start: range.start, cells: skippedCells(range, timeZone, terminal) })),
  ];
  rows.sort((a, b) => Date.parse(b.start) - Date.parse(a.start));
  return table(
    [...startHeader(timeZone), 'PHASE', 'RUN', 'REASON', 'NOTE'],
    rows.map((row) => row.cells),
    terminal,
  );
}

function spanTable(windows: readonly WindowRow[], timeZone: string, terminal: Terminal): string {
  const now = terminal.now();
  const due = ({ dueAt, runNo }: WindowRow) =>
    runNo === 0 && Date.parse(dueAt) > now.getTime() ? relative(dueAt, now) : '';
  return table(
    [...startHeader(timeZone), 'PHASE', 'RUN', 'REASON', 'NOTE', 'DUE'],
    windows.map((window) => [...windowCells(window, timeZone, terminal), due(window)]),
    terminal,
  );
}

const startHeader = (timeZone: string) => [`START (${timeZone})`, timeZone === 'UTC' ? '' : 'START (UTC)'];

function windowCells(window: WindowRow, timeZone: string, { colors }: Terminal): string[] {
  const { start, run, reason, lateAt, stale, mark } = window;
  const notes = [
    lateAt === null ? '' : colors.yellow('late'),
    stale === null ? '' : colors.yellow(stale === 'upstream' ? 'older than upstream' : 'stale'),
    mark === null ? '' : `${mark.note} (${mark.by})`,
  ];
  const last = run ?? (window.runNo > 0 ? colors.dim(`run ${window.runNo}, no longer kept`) : '');
  const cells = [...starts(start, timeZone), phase(window.phase, colors), last, reason ?? ''];
  return [...cells, notes.filter(Boolean).join(', ')];
}

function skippedCells({ start, windows, reason }: SkippedRange, timeZone: string, { colors }: Terminal): string[] {
  return [...starts(start, timeZone), phase('Skipped', colors), colors.dim(counted(windows, 'window')), reason, ''];
}

function starts(start: string, timeZone: string): string[] {
  return [localTime(start, timeZone), timeZone === 'UTC' ? '' : localTime(start, 'UTC')];
}
