import type pg from 'pg';
import { createBackfill, type NewBackfill } from '../store/backfills.ts';
import { readDependents } from '../store/dependents.ts';
import type { PipelineForRequest } from '../store/windows.ts';
import { planBackfill } from '../windows/backfill.ts';
import type { SpanWindow } from '../windows/span.ts';
import { findPipeline } from './requests.ts';

export type MadeDependent = { readonly backfill: string; readonly windows: number };

/**
 * Makes a backfill of the same range for every pipeline that waits for the one of `parent`, directly or not; one without windows to run
 * gets none. Their order is that of their waits: a run waits until the backfills that it was made with have had their turns.
 */
export async function startDependents(
  db: pg.ClientBase,
  parent: Omit<NewBackfill, 'name'> & { readonly name: string },
  readRange: (pipeline: PipelineForRequest) => Promise<SpanWindow[]>,
): Promise<MadeDependent[]> {
  const made: MadeDependent[] = [];
  for (const name of await readDependents(db, parent.pipeline)) {
    const pipeline = await findPipeline(db, name);
    const { windows } = planBackfill({ ...parent, windows: await readRange(pipeline), now: pipeline.now });
    if (windows.length === 0) continue;
    const own = { pipeline: name, pipelineId: pipeline.id, name: null, variables: {}, suspended: false };
    const backfill = await createBackfill(db, { ...parent, ...own, parent: parent.name }, windows);
    made.push({ backfill, windows: windows.length });
  }
  return made;
}
