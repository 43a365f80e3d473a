import type pg from 'pg';
import { windowRunName } from '../runs/name.ts';
import { pacePipelines, queueAwaiting, takeAwaiting } from '../store/catch-up.ts';

const pipelinesPerPass = 200;

/** Missed windows that await their turn → queued runs, as `rate` and `maxActiveRuns` allow. Returns how many. */
export async function giveTurns(db: pg.ClientBase): Promise<number> {
  const pipelines = await takeAwaiting(db, pipelinesPerPass);
  const queued = await queueAwaiting(
    db,
    pipelines.flatMap(({ windows }) =>
      windows.map((window) => ({ ...window, runName: windowRunName(window.pipeline, window.label, 1) })),
    ),
  );
  // Without room there may be some that wait for it.
  const looked = pipelines.filter(({ windows, hasRoom }) => hasRoom || windows.length > 0);
  await pacePipelines(
    db,
    looked.map(({ id, windows, pauseMs }) => ({ id, afterMs: windows.length === 0 ? null : windows.length * pauseMs })),
  );
  return queued;
}
