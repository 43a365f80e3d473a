import type pg from 'pg';
import type { BackfillChange, BackfillRequest } from '../../schemas/generated/types.ts';
import { cancelBackfill, changeBackfill, createBackfill, lockBackfill, retryFailed } from '../store/backfills.ts';
import { readCalendars, readSpan } from '../store/reads-span.ts';
import type { OpenRequest } from '../store/requests.ts';
import type { PipelineForRequest } from '../store/windows.ts';
import { backfillDefaults, longestBackfill, planBackfill } from '../windows/backfill.ts';
import { mergeSpan, parseBounds, type SpanWindow, windowsOfSpan } from '../windows/span.ts';
import { findPipeline, givenVariables, RefusedError } from './requests.ts';

/** A `BackfillRequest` → a backfill with its windows. Returns its name and how many they are. */
export async function startBackfill(
  db: pg.ClientBase,
  request: OpenRequest,
): Promise<{ backfill: string; windows: number }> {
  const body = request.body as unknown as BackfillRequest;
  const pipeline = await findPipeline(db, body.pipeline);
  const { schedule } = pipeline;
  if (!schedule)
    throw new RefusedError('no-schedule', `pipeline "${pipeline.name}" has no schedule, so it has no windows to run`);
  const variables = givenVariables(pipeline, body.variables ?? {});
  const bounds = parseBounds(body, schedule.calendar.timeZone);
  if ('error' in bounds) throw new RefusedError('bad-span', `pipeline "${pipeline.name}": ${bounds.error}`);
  const { from, to } = bounds;
  const chosen = { ...backfillDefaults, ...body };
  const { windows } = planBackfill({
    ...chosen,
    windows: await readRange(db, pipeline, { from, to }),
    to,
    now: pipeline.now,
  });
  if (windows.length === 0) {
    throw new RefusedError(
      'no-window',
      `no window of pipeline "${pipeline.name}" from ${body.from} to ${body.to} has closed and is ${chosen.rerun === 'missing' ? 'without a run' : 'to run'}; \`pipewright windows ${pipeline.name} --from ${body.from}\` shows them`,
    );
  }
  const { rerun, order, priority, version } = chosen;
  const backfill = await createBackfill(
    db,
    {
      pipeline: pipeline.name,
      pipelineId: pipeline.id,
      ...{ from, to, rerun, order, priority, version, variables },
      maxActiveRuns: body.maxActiveRuns ?? null,
      requestId: request.id,
      actor: request.actor,
    },
    windows,
  );
  return { backfill, windows: windows.length };
}

async function readRange(
  db: pg.ClientBase,
  pipeline: PipelineForRequest,
  { from, to }: { from: Date; to: Date },
): Promise<SpanWindow[]> {
  if (to <= from) throw new RefusedError('bad-span', '"to" is not after "from"; swap them');
  const found = await readCalendars(db, pipeline.name);
  if (!found || found.schedule === null) return [];
  const cut = windowsOfSpan({ ...found, from, to, limit: longestBackfill + 1 });
  if (cut.length > longestBackfill) {
    throw new RefusedError(
      'too-many-windows',
      `a backfill has at most ${longestBackfill} windows, and there are more from ${from.toISOString()} on; make it in several parts`,
    );
  }
  return mergeSpan(cut, await readSpan(db, found.id, { from, to }));
}

/** A `BackfillChange` of a named backfill. Only a retry is for one that has ended. */
export async function changeBackfillAsAsked(
  db: pg.ClientBase,
  request: OpenRequest,
): Promise<{ backfill: string; windows: number }> {
  const { backfill: name, ...change } = request.body as unknown as BackfillChange & { backfill: string };
  const head = await lockBackfill(db, name);
  if (!head)
    throw new RefusedError('unknown-backfill', `there is no backfill "${name}"; \`pipewright backfills\` lists them`);
  if (change.retry) {
    const windows = await retryFailed(db, head.id);
    if (windows > 0) return { backfill: name, windows };
    throw new RefusedError('nothing-failed', `no window of backfill "${name}" has failed; there is nothing to retry`);
  }
  if (head.phase !== 'Running') {
    throw new RefusedError('settled', `backfill "${name}" has already ended as ${head.phase}; make a new one`);
  }
  if (change.cancel) await cancelBackfill(db, head.id);
  else await changeBackfill(db, head.id, change);
  return { backfill: name, windows: 0 };
}
