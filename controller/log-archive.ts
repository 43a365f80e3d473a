import type pg from 'pg';
import type { LogArchive } from './executors/jobs/archive/port.ts';
import { attemptId as makeAttemptId, parseAttemptId } from './runs/name.ts';
import { appendLog, closeLog, endLogSource, readLog, readLogStates } from './store/logs.ts';
import type { AttemptKey } from './store/reports.ts';

/** The logs that the store keeps, by the ids of attempts. */
export function createLogArchive({ pool }: { pool: pg.Pool }): LogArchive {
  return {
    async states(attemptIds) {
      const keys = attemptIds.map(parseAttemptId).filter((key) => key !== null);
      const states = await readLogStates(pool, keys);
      return new Map(states.map((state) => [makeAttemptId(state.runId, state.task, state.number), state]));
    },
    append: async (attemptId, piece) => appendLog(pool, keyOf(attemptId), piece),
    endSource: async (attemptId, piece) => endLogSource(pool, keyOf(attemptId), piece),
    close: async (attemptId, options) => closeLog(pool, keyOf(attemptId), options),
    read: (attemptId) => readLog(pool, keyOf(attemptId)),
  };
}

function keyOf(attemptId: string): AttemptKey {
  const key = parseAttemptId(attemptId);
  if (!key) throw new Error(`"${attemptId}" is not the id of an attempt, as "7.load.1" is`);
  return key;
}
