import type pg from 'pg';
import type { Logger } from 'pino';
import type { Failpoint } from '../../schemas/failpoints.ts';
import { admitRuns, isAnyQueued, type Limits, lockSlots } from '../store/admission.ts';
import { writeAudit } from '../store/audit.ts';
import { type BusyRun, type Replaced, replaceOlder, takeBusy } from '../store/busy.ts';
import { transaction } from '../store/pool.ts';
import { settleRuns } from '../store/runs.ts';
import { again, done, type PassResult, type Step, type Wake } from './step.ts';
import { lookAtWaits } from './waits.ts';

const runsPerPass = 200;

export type AdmitOptions = {
  readonly pool: pg.Pool;
  readonly limits?: Limits;
  readonly wake: Wake;
  readonly failpoint: Failpoint;
  readonly log: Logger;
};

/** Queued runs → running runs with their tasks, under all limits; runs that a busy pipeline skips or replaces. */
export function createAdmit({ pool, limits = {}, wake, failpoint, log }: AdmitOptions): Step {
  async function admit(): Promise<PassResult> {
    const waits = await lookAtWaits({ pool, failpoint });
    const passed = await transaction(pool, async (db) => {
      await lockSlots(db);
      const replaced = await replaceOlder(db);
      const admitted = await admitRuns(db, runsPerPass, limits);
      const skipped = await takeBusy(db, runsPerPass);
      await settleRuns(db, skipped);
      await writeAudit(db, [...replaced.map(auditReplaced), ...skipped.map(auditSkipped)]);
      failpoint('admit.before-commit');
      return { replaced, admitted, skipped };
    });
    failpoint('admit.after-commit');
    for (const run of passed.admitted) log.info({ run }, 'run admitted');
    for (const run of passed.replaced) log.info(run, 'run replaced by that of a newer window');
    for (const { name: run } of passed.skipped) log.info({ run }, 'run skipped, since its pipeline is busy');
    if (passed.admitted.length + passed.replaced.length > 0) wake('advance');
    if (passed.skipped.length > 0) wake('schedule');
    for (const run of waits.givenUp) log.info({ run }, 'run gave up waiting for another pipeline');
    if (waits.givenUp.length > 0) wake('schedule');
    const isFull = Math.max(passed.admitted.length, passed.skipped.length) === runsPerPass;
    return isFull || waits.more ? again : done(waits.afterMs);
  }

  return {
    name: 'admit',
    everyMs: 30_000,
    // Every run that ends wakes this step, and mostly nobody waits for its place: all that `admit` asks for takes long to plan.
    pass: async () => ((await isAnyQueued(pool)) ? admit() : done()),
  };
}

function auditReplaced({ run, by }: Replaced) {
  const subject = { subjectKind: 'run' as const, subject: run };
  return { actor: 'admit', verb: 'replace', ...subject, reason: 'Replaced', details: { by } };
}

function auditSkipped({ name, reason }: BusyRun) {
  return { actor: 'admit', verb: 'skip', subjectKind: 'run' as const, subject: name, reason };
}
