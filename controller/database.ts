import type pg from 'pg';
import type { Logger } from 'pino';
import { startEmbedded } from './store/embedded/start.ts';
import { lockController } from './store/lock.ts';
import { migrate, refuseWhenTooOld, TooOldError } from './store/migrate.ts';
import { createPool } from './store/pool.ts';

const lookMs = 5_000;

export type Database = {
  readonly pool: pg.Pool;
  /** `POSTGRES_*` of the embedded warehouse; empty with a database of one's own. */
  readonly warehouse: Record<string, string>;
  health(): Promise<{ ready: boolean; reasons: string[] }>;
  close(): Promise<void>;
};

/**
 * Postgres, up and migrated: the embedded one under the home, or the one that a URL names. With `shared`, other replicas use it at
 * the same time; else it is held against a second controller.
 */
export async function openDatabase(options: {
  home: string;
  url: string | undefined;
  shared: boolean;
  log: Logger;
  onLost: (error: Error) => void;
}): Promise<Database> {
  const { log, onLost, shared } = options;
  await using stack = new AsyncDisposableStack();
  const embedded = options.url ? null : await startEmbedded({ home: options.home, log });
  if (embedded) stack.defer(() => embedded.stop());
  const url = options.url ?? (embedded?.url as string);
  await migrate({ url, log });
  if (!shared) {
    const lock = await lockController({ url, log, onLost });
    stack.defer(() => lock.release());
  }
  const pool = createPool({ url, log, max: 10, publishes: shared });
  stack.defer(() => pool.end());
  await pool.query('select ensure_partitions()');
  const hourly = setInterval(
    () => pool.query('select ensure_partitions()').catch((err) => log.warn({ err }, 'partitions not made yet')),
    3_600_000,
  );
  stack.defer(() => clearInterval(hourly));
  if (shared) stack.defer(watchVersion(pool, onLost));

  const kept = stack.move();
  return {
    pool,
    warehouse: embedded?.warehouse ?? {},
    async health() {
      try {
        await pool.query('select 1');
        return { ready: true, reasons: [] };
      } catch (error) {
        return { ready: false, reasons: [`Postgres does not answer: ${(error as Error).message}`] };
      }
    },
    close: () => kept.disposeAsync(),
  };
}

/** Calls `onLost` when a newer replica has migrated the store beyond this program. Returns what ends it. */
function watchVersion(pool: pg.Pool, onLost: (error: Error) => void): () => void {
  const timer = setInterval(() => {
    refuseWhenTooOld(pool).catch((error) => {
      if (error instanceof TooOldError) onLost(error);
    });
  }, lookMs);
  return () => clearInterval(timer);
}
