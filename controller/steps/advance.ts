import type pg from 'pg';
import type { Logger } from 'pino';
import type { Failpoint } from '../../schemas/failpoints.ts';
import { pipelineScope } from '../expressions/pipeline-scope.ts';
import { ExpressionError, evaluateCondition, type Scope } from '../expressions/template.ts';
import { type Advance, advance, type ConditionOf, type TaskState } from '../runs/advance.ts';
import type { SettledAttempt } from '../runs/retry.ts';
import { requestStops } from '../store/attempts.ts';
import { markLateOf } from '../store/lateness.ts';
import { transaction } from '../store/pool.ts';
import {
  clearNews,
  type NewsRun,
  readTasks,
  settleRuns,
  type TaskRow,
  takeNews,
  writeTaskChanges,
} from '../store/runs.ts';
import { windowOfRun } from './run-window.ts';
import { again, done, type Step, type Wake } from './step.ts';

const runsPerPass = 100;

/** Runs with news → next tasks, retries, skipped branches, settled runs and their windows. */
export function createAdvance(options: { pool: pg.Pool; wake: Wake; failpoint: Failpoint; log: Logger }): Step {
  const { pool, wake, failpoint, log } = options;
  return {
    name: 'advance',
    everyMs: 10_000,
    async pass() {
      const looked = await transaction(pool, async (db) => {
        const decided = await decide(db);
        await write(db, decided);
        failpoint('advance.before-commit');
        return decided;
      });
      failpoint('advance.after-commit');
      for (const { run, result } of looked) {
        if (result.settled) log.info({ run: run.name, ...result.settled }, 'run settled');
      }
      // It held slots, perhaps of a pool that tasks wait for too.
      if (looked.some(({ result }) => result.settled)) wake('admit', 'schedule', 'launch');
      if (looked.some(({ result }) => result.stop.length > 0 || result.tasks.some((task) => task.phase === 'Ready')))
        wake('launch');
      return looked.length === runsPerPass ? again : done();
    },
  };
}

type Decided = { readonly run: NewsRun; readonly result: Advance };

async function decide(db: pg.ClientBase): Promise<Decided[]> {
  const runs = await takeNews(db, runsPerPass);
  if (runs.length === 0) return [];
  const tasks = Map.groupBy(
    await readTasks(
      db,
      runs.map((run) => run.id),
    ),
    (task) => task.runId,
  );
  return runs.map((run) => {
    const rows = tasks.get(run.id) ?? [];
    const state = {
      phase: run.phase === 'Queued' ? ('Queued' as const) : ('Running' as const),
      ending: run.cancelReason ?? (run.timedOut ? ('TimedOut' as const) : null),
      tasks: rows.map(taskState),
    };
    return { run, result: advance(state, conditions(run, rows)) };
  });
}

async function write(db: pg.ClientBase, decided: readonly Decided[]): Promise<void> {
  if (decided.length === 0) return;
  await writeTaskChanges(
    db,
    decided.flatMap(({ run, result }) => result.tasks.map((task) => ({ runId: run.id, ...task }))),
  );
  await requestStops(
    db,
    decided.flatMap(({ run, result }) =>
      result.stop.map((task) => ({ runId: run.id, task, reason: run.cancelReason ?? ('TimedOut' as const) })),
    ),
  );
  const settled = decided.flatMap(({ run, result }) => (result.settled ? [{ id: run.id, ...result.settled }] : []));
  await markLateOf(
    db,
    settled.flatMap(({ id, phase }) => (phase === 'Succeeded' ? [id] : [])),
  );
  await settleRuns(db, settled);
  await clearNews(
    db,
    decided.map(({ run }) => run.id),
  );
}

function taskState(row: TaskRow): TaskState {
  const { attempt } = row;
  const live = attempt === null || attempt.phase === 'Claimed' || attempt.phase === 'Running';
  const settled = live ? null : { ...attempt, phase: attempt.phase as SettledAttempt['phase'] };
  return {
    name: row.name,
    needs: row.needs,
    phase: row.phase,
    reason: row.reason,
    lost: row.lost,
    retry: row.retry,
    isWait: row.isWait,
    settled,
  };
}

function conditions(run: NewsRun, rows: readonly TaskRow[]): ConditionOf {
  const byName = new Map(rows.map((row) => [row.name, row.condition]));
  const outputs = Object.fromEntries(
    rows.flatMap(({ name, attempt }) => (attempt?.outputs ? [[name, attempt.outputs]] : [])),
  );
  return (task) => {
    const condition = byName.get(task);
    if (!condition) return null;
    try {
      return evaluateCondition(condition, scopeOf(run, outputs)) ? null : 'ConditionFalse';
    } catch (error) {
      if (error instanceof ExpressionError) return 'ExpressionFailed';
      throw error;
    }
  };
}

function scopeOf(run: NewsRun, outputs: NonNullable<Scope['outputs']>): Scope {
  const { pipeline, name, runNo, trigger, variables, details } = run;
  return pipelineScope(
    { pipeline, run: { name, runNo, trigger }, window: windowOfRun(run), variables, outputs },
    details,
  );
}
