import type { CalendarSpan, WindowRow } from '../../schemas/generated/types.ts';
import type { LedgerSpan, PipelineCalendars } from '../store/reads-span.ts';
import { mergeSpan, parseBounds, type SpanWindow, windowsOfSpan } from '../windows/span.ts';
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
  const { timeZone } = found;
  const { windows, next } = await readSpanWindows(reads, found, { ...spanBounds(query, timeZone), limit: query.limit });
  return { pipeline, timeZone, windows: windows.map(toRow), next: next?.toISOString() ?? null };
}

/** The windows that begin in `[from, to)`, oldest first, at most `limit`; `next` is where the one after them begins. */
export async function readSpanWindows(
  reads: Pick<CalendarReads, 'span'>,
  pipeline: PipelineCalendars,
  { from, to, limit }: { from: Date; to: Date; limit: number },
): Promise<{ windows: SpanWindow[]; next: Date | null }> {
  const cut = windowsOfSpan({ ...pipeline, from, to, limit: limit + 1 });
  const next = cut.length > limit ? (cut[limit]?.start ?? null) : null;
  const ledger = await reads.span(pipeline.id, { from, to: next ?? to });
  return { windows: mergeSpan(cut.slice(0, limit), ledger), next };
}

export function spanBounds(query: { from: string; to: string }, timeZone: string): { from: Date; to: Date } {
  const bounds = parseBounds(query, timeZone);
  if ('error' in bounds) throw new ApiProblem(400, 'bad-span', bounds.error);
  if (bounds.to > bounds.from) return bounds;
  throw new ApiProblem(400, 'bad-span', `"to" (${query.to}) is not after "from" (${query.from}); swap them`);
}

export function toRow({ calendarId: _, start, end, dueAt, lateAt, ...row }: SpanWindow): WindowRow {
  const [from, to, due] = [start, end, dueAt].map((at) => at.toISOString()) as [string, string, string];
  return { start: from, end: to, dueAt: due, lateAt: lateAt?.toISOString() ?? null, ...row };
}
