import type pg from 'pg';
import type { CompiledSchedule, MarkRequest, MarkResult } from '../../schemas/generated/types.ts';
import { lockToMark, markWindows } from '../store/marks.ts';
import { readCalendars, readSpan } from '../store/reads-span.ts';
import type { OpenRequest } from '../store/requests.ts';
import type { PipelineForRequest } from '../store/windows.ts';
import { longestBackfill } from '../windows/backfill.ts';
import { parseWindowStart } from '../windows/select.ts';
import { mergeSpan, parseBounds, type SpanWindow, windowsOfSpan } from '../windows/span.ts';
import { findPipeline, RefusedError } from './requests.ts';

/** A `MarkRequest` → windows that count as a person says, as long as none of them has a live run. */
export async function markByHand(db: pg.ClientBase, request: OpenRequest): Promise<MarkResult> {
  const body = request.body as unknown as MarkRequest & { pipeline: string };
  const { as, note } = body;
  const pipeline = await findPipeline(db, body.pipeline);
  const { schedule } = pipeline;
  if (!schedule)
    throw new RefusedError('no-schedule', `pipeline "${pipeline.name}" has no schedule, so it has no windows to mark`);
  const windows = await windowsToMark(db, pipeline, schedule, body);
  const open = as === 'Succeeded' ? windows.find(({ end }) => end > pipeline.now) : undefined;
  if (open) {
    throw new RefusedError(
      'not-closed',
      `window ${open.label} of pipeline "${pipeline.name}" has not closed yet, so nothing can have succeeded for it; mark it as skipped, or leave it out`,
    );
  }
  const [live] = await lockToMark(db, pipeline.id, windows);
  if (live) {
    throw new RefusedError(
      'live',
      `window ${live.label} of pipeline "${pipeline.name}" has a live run, "${live.run}"; wait for it or cancel it first`,
    );
  }
  await markWindows(db, pipeline.id, windows, { as, note, by: request.actor });
  return {
    pipeline: pipeline.name,
    marked: windows.length,
    window: body.window === undefined ? null : (windows[0]?.label ?? null),
  };
}

async function windowsToMark(
  db: pg.ClientBase,
  pipeline: PipelineForRequest,
  schedule: CompiledSchedule,
  { window, from, to }: MarkRequest,
): Promise<SpanWindow[]> {
  if (window !== undefined && from === undefined && to === undefined) return oneWindow(db, pipeline, schedule, window);
  if (window !== undefined || from === undefined || to === undefined)
    throw new RefusedError('bad-span', 'name one window, or a range by "from" and "to"');
  const bounds = parseBounds({ from, to }, schedule.calendar.timeZone);
  if ('error' in bounds) throw new RefusedError('bad-span', `pipeline "${pipeline.name}": ${bounds.error}`);
  if (bounds.to <= bounds.from) throw new RefusedError('bad-span', '"to" is not after "from"; swap them');
  const found = await readCalendars(db, pipeline.name);
  const cut = found?.schedule ? windowsOfSpan({ ...found, ...bounds, limit: longestBackfill + 1 }) : [];
  if (cut.length > longestBackfill)
    throw new RefusedError(
      'too-many-windows',
      `at most ${longestBackfill} windows can be marked at once; name a shorter range`,
    );
  const windows = mergeSpan(cut, await readSpan(db, pipeline.id, bounds)).filter(({ end }) => end <= bounds.to);
  if (windows.length > 0) return windows;
  throw new RefusedError('no-window', `no window of pipeline "${pipeline.name}" lies in ${from} … ${to}`);
}

async function oneWindow(
  db: pg.ClientBase,
  pipeline: PipelineForRequest,
  schedule: CompiledSchedule,
  text: string,
): Promise<SpanWindow[]> {
  const chosen = parseWindowStart(text, schedule, pipeline.tookOverAt ? { beginsAt: pipeline.tookOverAt } : {});
  if ('error' in chosen) throw new RefusedError('bad-window', `pipeline "${pipeline.name}": ${chosen.error}`);
  const from = chosen.window.start;
  const ledger = await readSpan(db, pipeline.id, { from, to: new Date(from.getTime() + 1) });
  return mergeSpan([{ ...chosen.window, calendarId: pipeline.calendarId ?? 0 }], ledger);
}
