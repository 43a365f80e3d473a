import type pg from 'pg';
import type { Logger } from 'pino';
import type { Failpoint } from '../../schemas/failpoints.ts';
import { type AuditRow, writeAudit } from '../store/audit.ts';
import { transaction } from '../store/pool.ts';
import { answerRequest, type OpenRequest, type RequestResult, takeRequest } from '../store/requests.ts';
import { changeBackfillAsAsked, startBackfill } from './backfill-requests.ts';
import { markByHand } from './marks.ts';
import { cancelRun, RefusedError, startRun } from './requests.ts';
import { type HasArtifact, rerun } from './reruns.ts';
import { again, done, type Step, type Wake } from './step.ts';

/** API calls (and later CRs and web hooks) that became rows → runs, reruns, cancellations; each with an answer and an audit row. */
export function createIntake(options: {
  pool: pg.Pool;
  wake: Wake;
  failpoint: Failpoint;
  log: Logger;
  /** Without it, rows that tasks handed over are taken to exist. */
  hasArtifact?: HasArtifact | undefined;
}): Step {
  const { pool, wake, failpoint, log, hasArtifact = async () => true } = options;
  return {
    name: 'intake',
    everyMs: 10_000,
    async pass() {
      const handled = await transaction(pool, async (db) => {
        const request = await takeRequest(db);
        if (!request) return null;
        const result = await answer(db, request, { log, hasArtifact });
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

type Parts = { readonly log: Logger; readonly hasArtifact: HasArtifact };

async function answer(db: pg.ClientBase, request: OpenRequest, { log, hasArtifact }: Parts): Promise<RequestResult> {
  await db.query('savepoint request');
  try {
    const result = await handle(db, request, hasArtifact);
    await writeAudit(db, [
      {
        actor: request.actor,
        verb: request.kind,
        ...subjectOf(result),
        details: { ...request.body, ...planOf(result) },
      },
    ]);
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

/** What a rerun has taken over, and what it runs again all the same. */
function planOf(result: Done): object {
  return 'again' in result ? { taken: result.taken, again: result.again } : {};
}

/** What the audit names as changed. */
function subjectOf(result: Done): Pick<AuditRow, 'subjectKind' | 'subject' | 'reason'> {
  if ('run' in result) return { subjectKind: 'run', subject: result.run };
  if ('backfill' in result) return { subjectKind: 'backfill', subject: result.backfill };
  const { pipeline, window } = result;
  const reason = 'MarkedByHand';
  if (window === null) return { subjectKind: 'pipeline', subject: pipeline, reason };
  return { subjectKind: 'window', subject: `${pipeline}-${window}`, reason };
}

type Done = Exclude<RequestResult, { error: string }>;

async function handle(db: pg.ClientBase, request: OpenRequest, hasArtifact: HasArtifact): Promise<Done> {
  switch (request.kind) {
    case 'run':
      return { run: await startRun(db, request) };
    case 'rerun':
      return rerun(db, request, hasArtifact);
    case 'cancel':
      return { run: await cancelRun(db, request) };
    case 'backfill':
      return startBackfill(db, request);
    case 'mark':
      return markByHand(db, request);
    case 'changeBackfill':
      return changeBackfillAsAsked(db, request);
  }
}
