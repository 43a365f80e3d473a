import type pg from 'pg';
import type { Logger } from 'pino';
import type { Failpoint } from '../../schemas/failpoints.ts';
import type { Reason, TaskReport } from '../../schemas/generated/types.ts';
import { reasons } from '../../schemas/reasons.ts';
import type { Executor, Observation } from '../executors/port.ts';
import { attemptId } from '../runs/name.ts';
import { type LiveAttempt, type Outcome, readLive, settleAttempts } from '../store/attempts.ts';
import { transaction } from '../store/pool.ts';
import { createEffects } from './effects.ts';
import { createPlaces } from './places.ts';
import { done, type Step, type Wake } from './step.ts';

const whileLiveMs = 1_000;
/** A pass waits no longer for what it fences: a pod that ends slowly must not hold up the reports of others. */
const patienceMs = 1_000;

/** Live attempts, as the executor sees them now → outcome, reason and report in rows. */
export function createObserve(options: {
  pool: pg.Pool;
  executor: Executor;
  wake: Wake;
  failpoint: Failpoint;
  log: Logger;
}): Step {
  const { pool, executor, wake, failpoint, log } = options;
  const effects = createEffects();
  const fencing = new Set<string>();
  const places = createPlaces(pool, executor);

  async function settle(outcomes: readonly NamedOutcome[]): Promise<void> {
    if (outcomes.length === 0) return;
    const freed = await transaction(pool, async (db) => {
      const freed = await settleAttempts(db, outcomes);
      failpoint('observe.before-commit');
      return freed;
    });
    failpoint('observe.after-commit');
    for (const { runName, task, number, phase, reason, message } of outcomes) {
      log.info({ run: runName, task, attempt: number, phase, reason, message }, 'attempt settled');
    }
    // A slot is free and a run has news.
    wake('advance', 'launch', ...(freed ? (['admit'] as const) : []));
  }

  /** Nothing may run on under an attempt that is settled as lost, so it is fenced first; it may have reported meanwhile. */
  async function fence(attempt: LiveAttempt, seen: Observation): Promise<NamedOutcome> {
    failpoint('fence.before-effect');
    const report = await executor.fence(idOf(attempt));
    failpoint('fence.after-effect');
    if (report) return fromReport(attempt, report);
    return seen.state === 'reported' ? fromReport(attempt, seen.report) : withoutReport(attempt, ...lostBecause(seen));
  }

  /** One that cannot be fenced yet (its pod ends slowly, its API server is away) is looked at again. */
  async function settleLost(attempt: LiveAttempt, seen: Observation): Promise<void> {
    const { runName: run, task, number } = attempt;
    fencing.add(idOf(attempt));
    try {
      await settle([await fence(attempt, seen)]);
    } catch (error) {
      log.warn({ err: error, run, task, attempt: number }, 'attempt could not be fenced; tried again');
    } finally {
      fencing.delete(idOf(attempt));
    }
  }

  return {
    name: 'observe',
    everyMs: 30_000,
    async pass() {
      const live = await readLive(pool);
      if (live.length === 0 && !places.isWaiting()) return done();
      const open = live.filter((attempt) => !fencing.has(idOf(attempt)));
      const seen = await executor.observe(open.map(idOf));
      const looked = open.flatMap((attempt) => {
        const one = seen.get(idOf(attempt));
        return one && one.state !== 'running' ? [{ attempt, seen: one }] : [];
      });
      const [reported, lost] = parted(looked);
      await settle(reported);
      for (const { attempt, seen: one } of lost) effects.begin(settleLost(attempt, one));
      await places.save(live);
      await effects.wait(patienceMs);
      return done(live.length > reported.length || places.isWaiting() ? whileLiveMs : undefined);
    },
    finish: effects.finish,
  };
}

type Looked = { readonly attempt: LiveAttempt; readonly seen: Observation };

/** Those whose report says how they ended, and those that must be fenced first. */
function parted(looked: readonly Looked[]): [NamedOutcome[], Looked[]] {
  const reported: NamedOutcome[] = [];
  const lost: Looked[] = [];
  for (const { attempt, seen } of looked) {
    // A runner that was told to end, but not by us (a drain, a pod deleted by hand), has perhaps a successor of the same attempt.
    const hasEnded = seen.state === 'reported' && (seen.report.outcome !== 'Cancelled' || attempt.stopReason !== null);
    if (hasEnded) reported.push(fromReport(attempt, seen.report));
    else lost.push({ attempt, seen });
  }
  return [reported, lost];
}

function idOf({ runId, task, number }: LiveAttempt): string {
  return attemptId(runId, task, number);
}

type NamedOutcome = Outcome & { readonly runName: string };

function keyOf({ runId, runName, task, number }: LiveAttempt) {
  return { runId, runName, task, number };
}

function fromReport(attempt: LiveAttempt, report: TaskReport): NamedOutcome {
  const key = { ...keyOf(attempt), report };
  if (report.outcome === 'Succeeded') return { ...key, phase: 'Succeeded', reason: null, message: null };
  if (report.outcome === 'Failed') {
    return {
      ...key,
      phase: 'Failed',
      reason: report.reason ?? 'InternalError',
      message: report.error?.message ?? null,
    };
  }
  return { ...withoutReport(attempt, 'its runner was told to end, but not by the controller', 'Lost'), report };
}

/** An attempt that ended without an answer of its own: because it was stopped, or for a reason its executor knows or not. */
function withoutReport(attempt: LiveAttempt, detail: string, reason: Reason): NamedOutcome {
  const key = { ...keyOf(attempt), report: null };
  if (attempt.stopReason === null) {
    // What says nothing about the work is tried again apart from `retry`.
    return { ...key, phase: reasons[reason].retry === 'lost' ? 'Lost' : 'Failed', reason, message: detail };
  }
  if (attempt.stopReason === 'TimedOut') {
    return { ...key, phase: 'Failed', reason: 'TimedOut', message: 'it took longer than its timeout and was ended' };
  }
  return { ...key, phase: 'Cancelled', reason: attempt.stopReason, message: 'it was stopped' };
}

function lostBecause(seen: Observation): [detail: string, reason: Reason] {
  if (seen.state === 'silent') return ['its runner has fallen silent and was killed', 'Lost'];
  if (seen.state === 'gone') return [seen.detail, seen.reason ?? 'Lost'];
  return ['its folder is gone', 'Lost'];
}
