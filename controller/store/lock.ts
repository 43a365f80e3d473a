import pg from 'pg';
import type { Logger } from 'pino';

export type ControllerLock = { release(): Promise<void> };

/**
 * Keeps a second controller off the same database, for as long as this one's connection lasts. Two would do no harm (every
 * claim is guarded), but their executors would not know of each other's processes. When the connection breaks, the lock is
 * taken again; `onLost` is called when another controller has it by then.
 */
export async function lockController(options: {
  url: string;
  log: Logger;
  onLost: (error: Error) => void;
}): Promise<ControllerLock> {
  let released = false;
  let client = await acquire(options.url);

  function watch(held: pg.Client): void {
    held.on('error', () => {});
    held.once('end', () => {
      if (!released) void again();
    });
  }

  async function again(): Promise<void> {
    for (let waitMs = 200; !released; waitMs = Math.min(5_000, waitMs * 2)) {
      await new Promise((resolve) => setTimeout(resolve, waitMs).unref());
      try {
        client = await acquire(options.url);
        watch(client);
        return;
      } catch (error) {
        if (error instanceof LockedError) return options.onLost(error);
        options.log.debug({ err: error }, 'controller lock not taken again yet');
      }
    }
  }

  watch(client);
  return {
    async release() {
      released = true;
      await client.end().catch(() => {});
    },
  };
}

export class LockedError extends Error {}

/** A dead controller's connection may take a moment to be noticed, hence the tries. */
async function acquire(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'pipewright controller lock',
    keepAlive: true,
  });
  await client.connect();
  for (let tries = 0; tries < 30; tries += 1) {
    const { rows } = await client.query(`select pg_try_advisory_lock(hashtext('pipewright.controller')) as got`);
    if (rows[0].got) return client;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await client.end();
  throw new LockedError(
    'another controller is using this database; stop it, or give this one a database of its own (DATABASE_URL)',
  );
}
