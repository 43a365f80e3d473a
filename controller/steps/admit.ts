import type pg from 'pg';
import type { Logger } from 'pino';
import type { Failpoint } from '../../schemas/failpoints.ts';
import { transaction } from '../store/pool.ts';
import { admitRuns } from '../store/runs.ts';
import { again, done, type Step, type Wake } from './step.ts';

const runsPerPass = 200;

/** Queued runs → running runs with their tasks, under each pipeline's `maxActiveRuns`, in one statement under a lock. */
export function createAdmit(options: { pool: pg.Pool; wake: Wake; failpoint: Failpoint; log: Logger }): Step {
  const { pool, wake, failpoint, log } = options;
  return {
    name: 'admit',
    everyMs: 30_000,
    async pass() {
      const admitted = await transaction(pool, async (db) => {
        const names = await admitRuns(db, runsPerPass);
        failpoint('admit.before-commit');
        return names;
      });
      failpoint('admit.after-commit');
      if (admitted.length === 0) return done();
      for (const run of admitted) log.info({ run }, 'run admitted');
      wake('advance');
      return admitted.length === runsPerPass ? again : done();
    },
  };
}
