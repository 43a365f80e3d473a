import type pg from 'pg';
import type { Executor } from './executors/port.ts';
import { attemptId } from './runs/name.ts';
import { readLive } from './store/attempts.ts';

const patienceMs = 3_000;

/**
 * Ends every live attempt, for a clean stop together with the embedded Postgres: runners could not write to it any more, and
 * would fail and use up their retries. Ended this way they settle as `Lost` at the next start and are tried again at once.
 * With a Postgres of one's own they are left alone, and the next start adopts them.
 */
export async function endRunners({ pool, executor }: { pool: pg.Pool; executor: Executor }): Promise<void> {
  const live = await readLive(pool);
  const ids = live.map((attempt) => attemptId(attempt.runId, attempt.task, attempt.number));
  await Promise.all(ids.map((id) => executor.stop(id)));
  const until = performance.now() + patienceMs;
  let running = ids;
  while (running.length > 0 && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const seen = await executor.observe(running);
    running = running.filter((id) => seen.get(id)?.state === 'running');
  }
  await Promise.all(running.map((id) => executor.fence(id)));
}
