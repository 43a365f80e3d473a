import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Executor } from './executors/port.ts';
import { attemptId } from './runs/name.ts';
import { attemptsOfRun } from './store/attempts.ts';

/**
 * The log of a run: its attempts one after the other in the order they were made, each line with `[task#attempt] ` before it.
 * With `follow` until the run has settled. Null when there is no such run.
 */
export function createLogs({ pool, executor }: { pool: pg.Pool; executor: Executor }) {
  return async (
    run: string,
    options: { follow: boolean; signal: AbortSignal },
  ): Promise<AsyncIterable<string> | null> => {
    if ((await attemptsOfRun(pool, run)) === null) return null;
    return lines(pool, executor, run, options);
  };
}

async function* lines(
  pool: pg.Pool,
  executor: Executor,
  run: string,
  { follow, signal }: { follow: boolean; signal: AbortSignal },
) {
  const told = new Set<string>();
  while (!signal.aborted) {
    const state = await attemptsOfRun(pool, run);
    if (!state) return;
    const fresh = state.attempts.filter((attempt) => !told.has(`${attempt.task}.${attempt.number}`));
    for (const { task, number } of fresh) {
      told.add(`${task}.${number}`);
      yield* prefixed(executor.logs(attemptId(state.runId, task, number), { follow, signal }), `[${task}#${number}] `);
    }
    if (!follow || (state.settled && fresh.length === 0)) return;
    if (fresh.length === 0) await sleep(500, undefined, { signal }).catch(() => {});
  }
}

async function* prefixed(chunks: AsyncIterable<string>, prefix: string) {
  let rest = '';
  for await (const chunk of chunks) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) yield `${prefix}${part}\n`;
  }
  if (rest) yield `${prefix}${rest}\n`;
}
