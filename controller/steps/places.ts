import type pg from 'pg';
import type { Executor } from '../executors/port.ts';
import { attemptId } from '../runs/name.ts';
import { type LiveAttempt, type SeenPlace, savePlaces } from '../store/attempts.ts';

/** A pod that ended within a second is often told of before its node has said which image it ran. */
const patienceMs = 60_000;

type Wanting = { readonly attempt: LiveAttempt; readonly until: number };

/** Keeps where attempts are, and what image runs there, where that is news to this process. */
export function createPlaces(pool: pg.Pool, executor: Executor) {
  let saved = new Map<string, string>();
  /** Attempts without an image so far, also for a while after they have ended. */
  let wanting = new Map<string, Wanting>();
  return {
    /** Whether something is still to come of attempts that have ended. */
    isWaiting: () => wanting.size > 0,
    async save(live: readonly LiveAttempt[]): Promise<void> {
      const now = Date.now();
      const ids = new Set(live.map(idOf));
      const ended = [...wanting].filter(([id, { until }]) => !ids.has(id) && until > now).map(([, one]) => one);
      const seen = new Map<string, string>();
      const still = new Map<string, Wanting>();
      const news: SeenPlace[] = [];
      for (const { attempt, until } of [
        ...live.map((each) => ({ attempt: each, until: now + patienceMs })),
        ...ended,
      ]) {
        const id = idOf(attempt);
        const place = executor.describe?.(id);
        if (!place) continue;
        if (place.image === undefined) still.set(id, { attempt, until });
        const text = JSON.stringify(place);
        seen.set(id, text);
        if (saved.get(id) !== text) {
          news.push({ runId: attempt.runId, task: attempt.task, number: attempt.number, place });
        }
      }
      await savePlaces(pool, news);
      saved = seen;
      wanting = still;
    },
  };
}

function idOf({ runId, task, number }: LiveAttempt): string {
  return attemptId(runId, task, number);
}
