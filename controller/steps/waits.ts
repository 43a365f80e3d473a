import type pg from 'pg';
import type { Failpoint } from '../../schemas/failpoints.ts';
import { judgeWaits } from '../runs/waits.ts';
import { transaction } from '../store/pool.ts';
import { type SettledRun, settleRuns } from '../store/runs.ts';
import {
  clearRuns,
  letSleep,
  msUntilGivenUp,
  type NewlyWaiting,
  type NewWait,
  saveWaits,
  takeNewlyWaiting,
  takeWoken,
  type Wait,
} from '../store/waits.ts';
import { windowOfRun } from './run-window.ts';

const runsPerPass = 500;

export type LookedAtWaits = {
  /** Names of runs that waited too long. */
  readonly givenUp: readonly string[];
  /** Whether there may be more to do at once. */
  readonly more: boolean;
  /** When somebody must look again, in ms; null when nobody waits. */
  readonly afterMs: number | null;
};

/**
 * Queued runs of versions that wait → notes of what they wait for; woken ones → runs that may be admitted, or that gave up. Two
 * transactions: a window that ends while a note is being made would not see it yet, so nothing is concluded before it is committed.
 */
export async function lookAtWaits(options: { pool: pg.Pool; failpoint: Failpoint }): Promise<LookedAtWaits> {
  const { pool, failpoint } = options;
  const noted = await transaction(pool, async (db) => {
    const runs = await takeNewlyWaiting(db, runsPerPass);
    await saveWaits(db, runs.flatMap(waitsOf));
    const windowless = runs.filter((run) => waitsOf(run).length === 0);
    await clearRuns(db, windowless);
    return runs.length;
  });
  const decided = await transaction(pool, async (db) => {
    const found = decide(await takeWoken(db, runsPerPass));
    await clearRuns(db, found.cleared);
    await settleRuns(db, found.givenUp);
    await letSleep(db, found.asleep);
    failpoint('wait.before-commit');
    return found;
  });
  failpoint('wait.after-commit');
  return {
    givenUp: decided.givenUp.map(({ name }) => name),
    more: noted === runsPerPass || decided.looked === runsPerPass,
    afterMs: await msUntilGivenUp(pool),
  };
}

/** A run without window, from when its pipeline had no schedule, has nothing to wait for. */
function waitsOf(run: NewlyWaiting): NewWait[] {
  const window = windowOfRun(run);
  if (!window) return [];
  return run.waits.map(({ block, pipelineId, window: kind, timeoutMs }) => {
    const isPrevious = kind === 'previous';
    return {
      ...{ runId: run.runId, versionId: run.versionId, block, pipelineId, kind },
      from: new Date(isPrevious ? window.previousStart : window.start),
      to: new Date(isPrevious ? window.previousEnd : window.end),
      giveUpAt: new Date(run.queuedAt.getTime() + timeoutMs),
    };
  });
}

type Decided = {
  readonly looked: number;
  readonly cleared: { runId: number; versionId: number }[];
  readonly givenUp: (SettledRun & { readonly name: string })[];
  readonly asleep: number[];
};

function decide(waits: readonly Wait[]): Decided {
  const byRun = Map.groupBy(waits, ({ runId }) => runId);
  const decided: Decided = { looked: byRun.size, cleared: [], givenUp: [], asleep: [] };
  for (const [runId, own] of byRun) {
    const [{ run: name, versionId, now } = own[0] as Wait] = own;
    const verdict = judgeWaits(own, now);
    if (verdict === 'over') decided.cleared.push({ runId, versionId });
    else if (verdict === 'waits') decided.asleep.push(runId);
    else decided.givenUp.push({ id: runId, name, phase: 'Failed', reason: verdict, message: whyGivenUp(own, now) });
  }
  return decided;
}

function whyGivenUp(waits: readonly Wait[], now: Date): string {
  const [wait] = waits.filter(({ isOver, giveUpAt }) => !isOver && giveUpAt <= now);
  if (!wait) return '';
  const { block, pipeline, from, to, windows } = wait;
  const found = windows.map(({ label, phase, reason }) => `${label} is ${phase}${reason ? ` (${reason})` : ''}`);
  const fact = found.length > 0 ? found.join(', ') : 'it has no windows there';
  const stretch = `${from.toISOString()} to ${to.toISOString()}`;
  return `block "${block}": pipeline "${pipeline}" was not done with ${stretch} in time: ${fact}; run that first, then this again`;
}
