import type pg from 'pg';
import type { Logger } from 'pino';
import type { Failpoint } from '../../schemas/failpoints.ts';
import { windowRunName } from '../runs/name.ts';
import { markLate } from '../store/lateness.ts';
import { transaction } from '../store/pool.ts';
import {
  cutWindows,
  type DuePipeline,
  failSchedules,
  moveCursors,
  msUntilDue,
  recordSkipped,
  takeDuePipelines,
} from '../store/windows.ts';
import { planDue } from '../windows/due.ts';
import { giveTurns } from './catch-up.ts';
import { feedBackfills } from './feed-backfills.ts';
import { again, done, type Step, type Wake } from './step.ts';

const pipelinesPerPass = 200;
const windowsPerPipeline = 500;
const latePerPass = 1000;

/**
 * Pipelines whose next window is due → windows and queued runs; the cursor moves in the same transaction. Missed windows whose
 * turn has come, and backfills with room → queued runs. Windows past their deadline → late.
 */
export function createSchedule(options: { pool: pg.Pool; wake: Wake; failpoint: Failpoint; log: Logger }): Step {
  const { pool, wake, failpoint, log } = options;
  return {
    name: 'schedule',
    everyMs: 15_000,
    async pass() {
      const passed = await transaction(pool, async (db) => {
        const cut = await cutDue(db);
        const turns = await giveTurns(db);
        const fed = await feedBackfills(db);
        const late = await markLate(db, latePerPass);
        failpoint('schedule.before-commit');
        return { ...cut, ...fed, late, more: cut.more || fed.more, queued: cut.queued + turns + fed.queued };
      });
      // A crash here loses only the wake-up: `admit` finds the queued runs by itself.
      failpoint('schedule.after-commit');
      // What had its turn without a run may be what others wait for.
      if (passed.queued > 0 || passed.more) wake('admit');
      for (const failure of passed.failures) log.error(failure, 'the windows of a pipeline cannot be computed');
      for (const backfill of passed.settled) log.info(backfill, 'backfill settled');
      for (const window of passed.late) log.warn({ window }, 'window is late');
      if (passed.more || passed.late.length === latePerPass) return again;
      return done(await msUntilDue(pool));
    },
  };
}

type Cut = {
  readonly queued: number;
  readonly more: boolean;
  readonly failures: readonly { id: number; pipeline: string; message: string }[];
};

async function cutDue(db: pg.ClientBase): Promise<Cut> {
  const due = await takeDuePipelines(db, pipelinesPerPass);
  const planned = due.map(planOrFail);
  const plans = planned.flatMap((each) => ('message' in each ? [] : [each]));
  const failures = planned.flatMap((each) => ('message' in each ? [each] : []));
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
  await failSchedules(db, failures);
  return { queued, more: due.length > 0, failures };
}

/** A schedule that was good when it was compiled may be none for this program: a zone that is gone, a store that was mended by hand. */
function planOrFail(pipeline: DuePipeline): ReturnType<typeof plan> | Cut['failures'][number] {
  try {
    return plan(pipeline);
  } catch (error) {
    return { id: pipeline.id, pipeline: pipeline.name, message: (error as Error).message };
  }
}

function plan(pipeline: DuePipeline) {
  const { schedule, createdAt, now, taken } = pipeline;
  const planned = planDue({ schedule, cursor: pipeline.cursorAt, now, limit: windowsPerPipeline, taken });
  const ledger = { pipelineId: pipeline.id, calendarId: pipeline.calendarId };
  const awaits = schedule.catchUpLimits?.rate !== undefined || schedule.catchUpLimits?.order !== undefined;
  return {
    windows: planned.windows.map((window) => ({
      ...ledger,
      ...window,
      // What was due before a sync first brought the pipeline cannot be late.
      deadlineAt: window.dueAt < createdAt ? null : window.deadlineAt,
      versionId: pipeline.versionId,
      runName: windowRunName(pipeline.name, window.label, 1),
      reason: awaits ? ('AwaitsTurn' as const) : null,
    })),
    skipped: planned.skipped.map((range) => ({ ...ledger, ...range })),
    move: {
      id: pipeline.id,
      cursorAt: planned.cursor,
      nextDueAt: planned.nextDueAt,
      awaits: awaits && planned.windows.length > 0,
    },
  };
}
