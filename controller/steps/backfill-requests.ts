import type pg from 'pg';
import type { BackfillChange, BackfillRequest } from '../../schemas/generated/types.ts';
import {
  cancelBackfill,
  changeBackfill,
  createBackfill,
  lockBackfill,
  refuseBackfill,
  retryFailed,
} from '../store/backfills.ts';
import { isDeclared } from '../store/declared-backfills.ts';
import { readCalendars, readSpan } from '../store/reads-span.ts';
import type { OpenRequest } from '../store/requests.ts';
import { lockPipeline, type PipelineForRequest } from '../store/windows.ts';
import { backfillDefaults, longestBackfill, planBackfill, tooManyWindows } from '../windows/backfill.ts';
import { mergeSpan, parseBounds, type SpanWindow, windowsOfSpan } from '../windows/span.ts';
import { type MadeDependent, startDependents } from './dependents.ts';
import { findPipeline, givenVariables, RefusedError } from './requests.ts';

type Made = MadeDependent & { readonly dependents?: readonly MadeDependent[] };

/**
 * A `BackfillRequest` → a backfill with its windows. Returns its name and how many they are. One that a manifest declares is made
 * also where nothing is to run, and kept with its refusal where it cannot be granted: nobody waits for the answer.
 */
export async function startBackfill(db: pg.ClientBase, request: OpenRequest): Promise<Made> {
  if (!(await isDeclared(db, request.id))) return makeBackfill(db, request, { mayBeEmpty: false });
  try {
    return await makeBackfill(db, request, { mayBeEmpty: true });
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    return keepRefused(db, request, error);
  }
}

async function makeBackfill(
  db: pg.ClientBase,
  request: OpenRequest,
  { mayBeEmpty }: { mayBeEmpty: boolean },
): Promise<Made> {
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
  if (windows.length === 0 && !mayBeEmpty) {
    throw new RefusedError(
      'no-window',
      `no window of pipeline "${pipeline.name}" from ${body.from} to ${body.to} has closed and is ${chosen.rerun === 'missing' ? 'without a run' : 'to run'}; \`pipewright windows ${pipeline.name} --from ${body.from}\` shows them`,
    );
  }
  const { rerun, order, priority, version } = chosen;
  const asked = {
    name: body.name ?? null,
    pipeline: pipeline.name,
    pipelineId: pipeline.id,
    ...{ from, to, rerun, order, priority, version, variables },
    maxActiveRuns: body.maxActiveRuns ?? null,
    suspended: body.suspended ?? false,
    requestId: request.id,
    actor: request.actor,
  };
  const backfill = await createBackfill(db, asked, windows);
  const made = { backfill, windows: windows.length };
  if (!body.dependents) return made;
  const readTheirs = (other: PipelineForRequest) => readRange(db, other, { from, to });
  return { ...made, dependents: await startDependents(db, { ...asked, name: backfill }, readTheirs) };
}

/** Throws the refusal again where there is no such pipeline to keep it with, or no range. */
async function keepRefused(db: pg.ClientBase, request: OpenRequest, refusal: RefusedError): Promise<Made> {
  const body = request.body as unknown as BackfillRequest;
  const pipeline = await lockPipeline(db, body.pipeline);
  const bounds = parseBounds(body, pipeline?.schedule?.calendar.timeZone ?? 'UTC');
  if (!pipeline || 'error' in bounds || bounds.to <= bounds.from) throw refusal;
  const { rerun, order, priority, version } = { ...backfillDefaults, ...body };
  const backfill = await createBackfill(
    db,
    {
      name: body.name ?? null,
      pipeline: pipeline.name,
      pipelineId: pipeline.id,
      ...bounds,
      ...{ rerun, order, priority, version, variables: {}, suspended: false },
      maxActiveRuns: body.maxActiveRuns ?? null,
      requestId: request.id,
      actor: request.actor,
    },
    [],
  );
  await refuseBackfill(db, backfill, refusal.message);
  return { backfill, windows: 0 };
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
    throw new RefusedError('too-many-windows', tooManyWindows(from));
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
  if (change.cancel) await cancelBackfill(db, head.id, 'CancelledByRequest');
  else await changeBackfill(db, head.id, change);
  return { backfill: name, windows: 0 };
}
