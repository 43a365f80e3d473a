import type { CalendarSpan, WindowRow } from '../../schemas/generated/types.ts';
import type { LedgerSpan, LedgerWindow, PipelineCalendars } from '../store/reads-span.ts';
import type { DueWindow } from '../windows/due.ts';
import { instantOf } from '../windows/select.ts';
import { windowsOfSpan } from '../windows/span.ts';
import { ApiProblem } from './errors.ts';

export type SpanQuery = { readonly from: string; readonly to: string; readonly limit: number };

type CalendarReads = {
  calendars(pipeline: string): Promise<PipelineCalendars | { readonly schedule: null } | null>;
  span(pipelineId: number, bounds: { from: Date; to: Date }): Promise<LedgerSpan>;
};

/** Every window of a span, with what the ledger says of it. Null without such a pipeline. */
export async function readCalendarSpan(
  reads: CalendarReads,
  pipeline: string,
  query: SpanQuery,
): Promise<CalendarSpan | null> {
  const found = await reads.calendars(pipeline);
  if (!found) return null;
  if (found.schedule === null) return { pipeline, timeZone: null, windows: [], next: null };
  const { timeZone, limit } = { timeZone: found.timeZone, limit: query.limit };
  const from = bound('from', query.from, timeZone);
  const to = bound('to', query.to, timeZone);
  if (to <= from)
    throw new ApiProblem(400, 'bad-span', `"to" (${query.to}) is not after "from" (${query.from}); swap them`);
  const cut = windowsOfSpan({ ...found, from, to, limit: limit + 1 });
  const next = cut.length > limit ? (cut[limit]?.start ?? null) : null;
  const ledger = await reads.span(found.id, { from, to: next ?? to });
  return { pipeline, timeZone, windows: merge(cut.slice(0, limit), ledger), next: next?.toISOString() ?? null };
}

function bound(name: 'from' | 'to', text: string, timeZone: string): Date {
  const at = instantOf(text, timeZone);
  if (at) return at;
  throw new ApiProblem(
    400,
    'bad-span',
    `"${name}" is "${text}", which is no date or time; write 2019, 2019-01, 2019-01-31 or 2019-01-31T06:00Z`,
  );
}

/** What the ledger has is true; the rest is as the calendar cuts it: passed over, or missing. */
function merge(cut: readonly DueWindow[], { windows, skipped }: LedgerSpan): WindowRow[] {
  const known = new Map(windows.map((window) => [window.start.getTime(), window]));
  const rows = [
    ...windows,
    ...cut.filter(({ start }) => !known.has(start.getTime())).map((window) => missing(window, skipped)),
  ];
  return rows.sort((a, b) => a.start.getTime() - b.start.getTime()).map(toRow);
}

function missing(window: DueWindow, skipped: LedgerSpan['skipped']): LedgerWindow {
  const range = skipped.find(({ start, end }) => start <= window.start && window.start < end);
  const { start, end, label, dueAt } = window;
  const fate = range
    ? { phase: 'Skipped' as const, reason: range.reason }
    : { phase: 'Missing' as const, reason: null };
  return { start, end, label, dueAt, ...fate, runNo: 0, run: null };
}

function toRow({ start, end, dueAt, ...window }: LedgerWindow): WindowRow {
  return { start: start.toISOString(), end: end.toISOString(), dueAt: dueAt.toISOString(), ...window };
}
