import { gunzipSync } from 'node:zlib';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { Failpoint } from '../../schemas/failpoints.ts';
import type { TaskOrder } from '../../schemas/generated/types.ts';
import type { Executor } from '../executors/port.ts';
import { attemptId } from '../runs/name.ts';
import {
  type ClaimedAttempt,
  claimAttempts,
  holdsClaim,
  markLaunched,
  markOverdue,
  msUntilReady,
  readLive,
  settleAttempts,
} from '../store/attempts.ts';
import { readBundle } from '../store/catalog.ts';
import { transaction } from '../store/pool.ts';
import { windowOfRun } from './run-window.ts';
import { done, type Step, type Wake } from './step.ts';

const claimMs = 30_000;

export type LaunchOptions = {
  readonly pool: pg.Pool;
  readonly executor: Executor;
  readonly wake: Wake;
  readonly failpoint: Failpoint;
  readonly log: Logger;
  readonly heartbeatMs: number;
  /** A runner enforces its own timeout; the controller steps in when it is this much over. */
  readonly overdueGraceMs: number;
  /** Where the executor keeps what tasks hand to each other: the folder for a run's artifacts, and a bundle's path. */
  readonly places: { artifacts(runId: number): string; bundle(digest: string): string };
};

/** Ready tasks, and tasks to stop → attempts started and stopped. */
export function createLaunch(options: LaunchOptions): Step {
  const { pool, executor, wake, failpoint } = options;
  return {
    name: 'launch',
    everyMs: 10_000,
    async pass() {
      await stopMarked(options);
      failpoint('launch.before-claim');
      const claims = await transaction(pool, (db) => claimAttempts(db, { capacity: executor.capacity, claimMs }));
      // A crash from here to the settling leaves an expired claim: it is taken again, and the executor adopts what it began.
      failpoint('launch.after-claim');
      await Promise.all(claims.map((claim) => launchOne(claim, options)));
      if (claims.length > 0) wake('observe');
      return done(await msUntilReady(pool));
    },
  };
}

async function stopMarked({ pool, executor, failpoint, overdueGraceMs }: LaunchOptions): Promise<void> {
  await markOverdue(pool, overdueGraceMs);
  for (const attempt of await readLive(pool)) {
    if (attempt.stopReason === null) continue;
    failpoint('stop.before-effect');
    await executor.stop(attemptId(attempt.runId, attempt.task, attempt.number));
    failpoint('stop.after-effect');
  }
}

async function launchOne(claim: ClaimedAttempt, options: LaunchOptions): Promise<void> {
  const { pool, executor, failpoint, wake } = options;
  const order = makeOrder(claim, options);
  const log = options.log.child({ run: claim.runName, task: claim.task, attempt: claim.number });
  try {
    await executor.launch({
      order,
      bundle: async () => gunzipSync(await readBundle(pool, claim.bundleDigest)),
      environment: claim.details.environment,
      secrets: claim.details.secrets,
    });
  } catch (error) {
    log.warn({ err: error }, 'attempt could not be launched');
    await settleUnlaunched(claim, error, options);
    wake('advance');
    return;
  }
  failpoint('launch.after-effect');
  if (await markLaunched(pool, claim)) log.info('attempt launched');
  failpoint('launch.after-settle');
}

/** Whatever the failed launch may have left is barred before the attempt counts as lost; guarded by the claim, as a success is. */
async function settleUnlaunched(
  claim: ClaimedAttempt,
  error: unknown,
  { pool, executor }: LaunchOptions,
): Promise<void> {
  const message = `it could not be launched: ${error instanceof Error ? error.message : String(error)}`;
  const { runId, task, number } = claim;
  await transaction(pool, async (db) => {
    if (!(await holdsClaim(db, claim))) return;
    await executor.fence(attemptId(runId, task, number));
    await settleAttempts(db, [{ runId, task, number, phase: 'Lost', reason: 'Lost', message, report: null }]);
  });
}

function makeOrder(claim: ClaimedAttempt, { places, heartbeatMs }: LaunchOptions): TaskOrder {
  const window = windowOfRun(claim);
  return {
    attemptId: attemptId(claim.runId, claim.task, claim.number),
    ledgerId: claim.ledgerId,
    pipeline: claim.pipeline,
    run: { id: claim.runId, name: claim.runName, runNo: claim.runNo, trigger: claim.trigger },
    task: claim.task,
    attempt: claim.number,
    window: window && {
      label: window.label,
      start: window.start.toISOString(),
      end: window.end.toISOString(),
      previousStart: window.previousStart.toISOString(),
      previousEnd: window.previousEnd.toISOString(),
    },
    variables: claim.variables,
    bundle: { digest: claim.bundleDigest, path: places.bundle(claim.bundleDigest) },
    artifacts: places.artifacts(claim.runId),
    timeoutMs: claim.timeoutMs,
    heartbeatMs,
  };
}
