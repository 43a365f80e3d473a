import type pg from 'pg';
import type { Logger } from 'pino';
import type { Failpoint } from '../../schemas/failpoints.ts';
import { windowRunName } from '../runs/name.ts';
import { transaction } from '../store/pool.ts';
import {
  cutWindows,
  type DuePipeline,
  moveCursors,
  msUntilDue,
  recordSkipped,
  takeDuePipelines,
} from '../store/windows.ts';
import { planDue } from '../windows/due.ts';
import { feedBackfills } from './feed-backfills.ts';
import { again, done, type Step, type Wake } from './step.ts';

const pipelinesPerPass = 200;
const windowsPerPipeline = 500;

/**
 * Pipelines whose next window is due → windows and queued runs; the cursor moves in the same transaction. Backfills with room →
 * queued runs of their next windows.
 */
export function createSchedule(options: { pool: pg.Pool; wake: Wake; failpoint: Failpoint; log: Logger }): Step {
  const { pool, wake, failpoint, log } = options;
  return {
    name: 'schedule',
    everyMs: 15_000,
    async pass() {
      const passed = await transaction(pool, async (db) => {
        const due = await takeDuePipelines(db, pipelinesPerPass);
        const plans = due.map(plan);
        const queued = await cutWindows(
          db,
          plans.flatMap((each) => each.windows),
        );
        await recordSkipped(
          db,
          plans.flatMap((each) => each.skipped),
        );
        await moveCursors(
          db,
          plans.map((each) => each.move),
        );
        const fed = await feedBackfills(db);
        failpoint('schedule.before-commit');
        return { more: due.length > 0 || fed.more, queued: queued + fed.queued, settled: fed.settled };
      });
      // A crash here loses only the wake-up: `admit` finds the queued runs by itself.
      failpoint('schedule.after-commit');
      if (passed.queued > 0) wake('admit');
      for (const backfill of passed.settled) log.info(backfill, 'backfill settled');
      if (passed.more) return again;
      return done(await msUntilDue(pool));
    },
  };
}

function plan(pipeline: DuePipeline) {
  const planned = planDue({
    schedule: pipeline.schedule,
    cursor: pipeline.cursorAt,
    now: pipeline.now,
    limit: windowsPerPipeline,
  });
  const ledger = { pipelineId: pipeline.id, calendarId: pipeline.calendarId };
  return {
    windows: planned.windows.map((window) => ({
      ...ledger,
      ...window,
      versionId: pipeline.versionId,
      runName: windowRunName(pipeline.name, window.label, 1),
    })),
    skipped: planned.skipped.map((range) => ({ ...ledger, ...range })),
    move: { id: pipeline.id, cursorAt: planned.cursor, nextDueAt: planned.nextDueAt },
  };
}
