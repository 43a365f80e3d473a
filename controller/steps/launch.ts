import { gunzipSync } from 'node:zlib';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { Failpoint } from '../../schemas/failpoints.ts';
import type { TaskOrder } from '../../schemas/generated/types.ts';
import { type Executor, RefusedError } from '../executors/port.ts';
import type { TaskPlace } from '../manifests/place.ts';
import { attemptId } from '../runs/name.ts';
import {
  type ClaimedAttempt,
  claimAttempts,
  holdsClaim,
  type LiveAttempt,
  markLaunched,
  markOverdue,
  msUntilReady,
  readStopping,
  renewClaim,
  settleAttempts,
} from '../store/attempts.ts';
import { readBundle } from '../store/catalog.ts';
import { transaction } from '../store/pool.ts';
import { createEffects } from './effects.ts';
import { inBatches } from './in-batches.ts';
import { windowOfRun } from './run-window.ts';
import { again, done, type Step, type Wake } from './step.ts';
import { needsOf } from './task-needs.ts';

const claimMs = 30_000;
/** Effects at once. With more, a claim could expire while its effect waits for its turn at the API server. */
const mostAtOnce = 250;
/** A pass waits no longer for its effects, so that what becomes ready meanwhile does not wait for the slowest of them. */
const patienceMs = 50;
/** Where more is ready than may begin at once, the next are claimed when so few are left: handfuls would cost more in queries. */
const few = 125;
const patienceWhenFullMs = 500;

export type LaunchOptions = {
  readonly pool: pg.Pool;
  readonly executor: Executor;
  readonly wake: Wake;
  readonly failpoint: Failpoint;
  readonly log: Logger;
  readonly heartbeatMs: number;
  /** A runner enforces its own timeout; the controller steps in when it is this much over. */
  readonly overdueGraceMs: number;
  /** What a manifest may ask of the place where tasks run. */
  readonly bounds: TaskPlace;
  /** Where the executor keeps what tasks hand to each other: the folder for a run's artifacts, and a bundle's path. */
  readonly places: { artifacts(runId: number): string; bundle(digest: string): string };
};

/** Ready tasks, and tasks to stop → attempts started and stopped. */
export function createLaunch(options: LaunchOptions): Step {
  const { pool, executor, wake, failpoint } = options;
  const effects = createEffects();
  const settle = inBatches((claims: readonly ClaimedAttempt[]) => markLaunched(pool, claims));
  return {
    name: 'launch',
    everyMs: 10_000,
    async pass() {
      await stopMarked(options);
      failpoint('launch.before-claim');
      const atMost = mostAtOnce - effects.count();
      const claims = await transaction(pool, (db) =>
        claimAttempts(db, { capacity: executor.capacity, claimMs, atMost }),
      );
      // A crash from here to the settling leaves an expired claim: it is taken again, and the executor adopts what it began.
      failpoint('launch.after-claim');
      for (const claim of claims) effects.begin(launchOne(claim, settle, options));
      const isFull = claims.length === atMost;
      await (isFull ? effects.wait(patienceWhenFullMs, few) : effects.wait(patienceMs));
      if (claims.length > 0) wake('observe');
      return isFull ? again : done(await msUntilReady(pool));
    },
    finish: effects.finish,
  };
}

async function stopMarked(options: LaunchOptions): Promise<void> {
  await markOverdue(options.pool, options.overdueGraceMs);
  const marked = await readStopping(options.pool);
  await Promise.all(marked.map((attempt) => stopOne(attempt, options)));
}

/** One that cannot be told must not keep the others from being told, or begun. */
async function stopOne({ runId, runName, task, number }: LiveAttempt, options: LaunchOptions): Promise<void> {
  const { executor, failpoint, log } = options;
  failpoint('stop.before-effect');
  try {
    await executor.stop(attemptId(runId, task, number));
  } catch (error) {
    log.warn({ err: error, run: runName, task, attempt: number }, 'attempt could not be told to end; it is told again');
  }
  failpoint('stop.after-effect');
}

async function launchOne(
  claim: ClaimedAttempt,
  settle: (claim: ClaimedAttempt) => Promise<boolean>,
  options: LaunchOptions,
): Promise<void> {
  const { pool, executor, failpoint, wake } = options;
  const order = makeOrder(claim, options);
  const log = options.log.child({ run: claim.runName, task: claim.task, attempt: claim.number });
  try {
    await executor.launch({
      order,
      task: needsOf(claim, order, options.bounds),
      bundle: async () => gunzipSync(await readBundle(pool, claim.bundleDigest)),
      environment: claim.details.environment,
      secrets: claim.details.secrets,
      fromFolder: claim.fromFolder,
    });
  } catch (error) {
    log.warn({ err: error }, 'attempt could not be launched');
    await settleUnlaunched(claim, error, options);
    wake('advance', 'admit', 'launch');
    return;
  }
  failpoint('launch.after-effect');
  if (await settle(claim)) log.info('attempt launched');
  failpoint('launch.after-settle');
}

/** Whatever the failed launch may have left is barred before the attempt is settled; guarded by the claim, as a success is. */
async function settleUnlaunched(
  claim: ClaimedAttempt,
  error: unknown,
  { pool, executor }: LaunchOptions,
): Promise<void> {
  const { runId, task, number } = claim;
  const message = error instanceof Error ? error.message : String(error);
  const outcome =
    error instanceof RefusedError
      ? { phase: 'Failed' as const, reason: error.reason, message }
      : { phase: 'Lost' as const, reason: 'Lost' as const, message: `it could not be launched: ${message}` };
  // Not within the transaction: for as long as the cluster does not answer, that would hold the run and a connection.
  const renewed = await renewClaim(pool, claim, claimMs);
  if (!renewed) return;
  await executor.fence(attemptId(runId, task, number));
  await transaction(pool, async (db) => {
    if (!(await holdsClaim(db, renewed))) return;
    await settleAttempts(db, [{ runId, task, number, ...outcome, report: null }]);
  });
}

function makeOrder(claim: ClaimedAttempt, { places, heartbeatMs }: LaunchOptions): TaskOrder {
  return {
    attemptId: attemptId(claim.runId, claim.task, claim.number),
    ledgerId: claim.ledgerId,
    pipeline: claim.pipeline,
    run: { id: claim.runId, name: claim.runName, runNo: claim.runNo, trigger: claim.trigger },
    task: claim.task,
    attempt: claim.number,
    window: windowOfRun(claim),
    variables: claim.variables,
    ...(claim.outputs && { outputs: claim.outputs }),
    bundle: { digest: claim.bundleDigest, path: places.bundle(claim.bundleDigest) },
    artifacts: places.artifacts(claim.runId),
    ...(claim.taken && { taken: claim.taken }),
    timeoutMs: claim.timeoutMs,
    heartbeatMs,
  };
}
