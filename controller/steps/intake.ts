import type pg from 'pg';
import type { Logger } from 'pino';
import type { Failpoint } from '../../schemas/failpoints.ts';
import { writeAudit } from '../store/audit.ts';
import { transaction } from '../store/pool.ts';
import { answerRequest, type OpenRequest, type RequestResult, takeRequest } from '../store/requests.ts';
import { changeBackfillAsAsked, startBackfill } from './backfill-requests.ts';
import { cancelRun, RefusedError, rerun, startRun } from './requests.ts';
import { again, done, type Step, type Wake } from './step.ts';

/** API calls (and later CRs and web hooks) that became rows → runs, reruns, cancellations; each with an answer and an audit row. */
export function createIntake(options: { pool: pg.Pool; wake: Wake; failpoint: Failpoint; log: Logger }): Step {
  const { pool, wake, failpoint, log } = options;
  return {
    name: 'intake',
    everyMs: 10_000,
    async pass() {
      const handled = await transaction(pool, async (db) => {
        const request = await takeRequest(db);
        if (!request) return null;
        const result = await answer(db, request, log);
        await answerRequest(db, request.id, result);
        failpoint('intake.before-commit');
        return { request, result };
      });
      failpoint('intake.after-commit');
      if (!handled) return done();
      log.info({ kind: handled.request.kind, ...handled.result }, 'request answered');
      wake('admit', 'advance', 'schedule');
      return again;
    },
  };
}

async function answer(db: pg.ClientBase, request: OpenRequest, log: Logger): Promise<RequestResult> {
  await db.query('savepoint request');
  try {
    const result = await handle(db, request);
    const subject =
      'run' in result
        ? { subjectKind: 'run' as const, subject: result.run }
        : { subjectKind: 'backfill' as const, subject: result.backfill };
    await writeAudit(db, [{ actor: request.actor, verb: request.kind, ...subject, details: request.body }]);
    return result;
  } catch (error) {
    // When the connection is gone this throws, and the whole request is tried again later.
    await db.query('rollback to savepoint request');
    if (error instanceof RefusedError) return { error: error.message, code: error.code };
    // Anything else would come back for ever and keep the requests behind it waiting.
    log.error({ err: error, request: request.id }, 'request failed');
    return { error: `the request could not be carried out: ${(error as Error).message}`, code: 'internal' };
  }
}

type Done = Exclude<RequestResult, { error: string }>;

async function handle(db: pg.ClientBase, request: OpenRequest): Promise<Done> {
  switch (request.kind) {
    case 'run':
      return { run: await startRun(db, request) };
    case 'rerun':
      return { run: await rerun(db, request) };
    case 'cancel':
      return { run: await cancelRun(db, request) };
    case 'backfill':
      return startBackfill(db, request);
    case 'changeBackfill':
      return changeBackfillAsAsked(db, request);
  }
}
