import type pg from 'pg';
import type { Logger } from 'pino';
import type { Failpoint } from '../../schemas/failpoints.ts';
import { writeAudit } from '../store/audit.ts';
import { transaction } from '../store/pool.ts';
import {
  deleteRuns,
  dropMonth,
  isLockTimeout,
  judgeMonths,
  lockRetention,
  type Month,
  pastLogMonths,
  type Retention,
} from '../store/retention.ts';
import { deleteWindows, raiseFloors } from '../store/window-floors.ts';
import { again, done, type Step } from './step.ts';

const batch = 2_000;
/** After somebody kept the tables for longer than a drop waits. */
const retryMs = 60_000;

export type RetainOptions = {
  readonly pool: pg.Pool;
  readonly retention: Retention;
  readonly failpoint: Failpoint;
  readonly log: Logger;
  /** Removes what the executor keeps of runs that are no more, and logs of those that ended before `logsMs` ago. */
  readonly sweep?: ((retention: Retention) => Promise<void>) | undefined;
};

/** History that is past its time → gone: whole months by dropping their partitions, the rest in batches. */
export function createRetain(options: RetainOptions): Step {
  const { pool, retention, failpoint, sweep } = options;
  return {
    name: 'retain',
    everyMs: 3_600_000,
    async pass() {
      const found = await transaction(pool, async (db) => {
        if (!(await lockRetention(db))) return null;
        const { whole, mixed } = await judgeMonths(db, retention);
        const deleted = await deleteRuns(db, retention, mixed, batch);
        const windows = await deleteOldWindows(db, retention);
        const logs = await pastLogMonths(db, retention);
        failpoint('retain.before-commit');
        return { whole, logs, isFull: deleted === batch || windows === batch };
      });
      if (!found) return done();
      const wholeNames = new Set(found.whole.map(({ name }) => name));
      const logs = found.logs.filter(({ name }) => !wholeNames.has(name));
      const dropped = (await dropAll(options, found.whole, 'runs')) && (await dropAll(options, logs, 'logs'));
      if (found.isFull) return again;
      await sweep?.(retention);
      return dropped ? done() : done(retryMs);
    },
  };
}

async function deleteOldWindows(db: pg.ClientBase, { windowsMs }: Retention): Promise<number> {
  if (windowsMs === null) return 0;
  await raiseFloors(db, windowsMs);
  return deleteWindows(db, batch);
}

/** A transaction each, so that none holds the tables for longer than one drop takes. False when they were not to be had. */
async function dropAll(
  { pool, failpoint, log }: RetainOptions,
  months: readonly Month[],
  what: 'runs' | 'logs',
): Promise<boolean> {
  for (const month of months) {
    const name = month.name.replace('_', '-');
    try {
      await transaction(pool, async (db) => {
        if (!(await lockRetention(db))) return;
        await dropMonth(db, month, what);
        await writeAudit(db, [{ actor: 'controller', verb: `drop ${what}`, subjectKind: 'history', subject: name }]);
        failpoint('retain.before-drop');
      });
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
      log.info({ month: name }, 'the tables are in use; the month is dropped later');
      return false;
    }
    failpoint('retain.after-drop');
    log.info({ month: name, what }, 'history dropped');
  }
  return true;
}
