import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import type { Logger } from 'pino';
import { schema } from './pool.ts';

const table = 'migrations';

/** How many migrations this program knows. A store whose `ledger.minimum_binary` is above it is refused. */
export const binaryVersion = 13;

/** A newer Pipewright has migrated the store in a way that this one would break. */
export class TooOldError extends Error {}

/**
 * Brings the store to this program's schema; any number of programs may do so at once. Throws one sentence when the store
 * was changed by a newer Pipewright in a way that this one would break. Migrations that this program does not know, and
 * that do not forbid it, are left alone.
 * `folder` and `version` are for tests: the migrations and the version of another program.
 */
export async function migrate(options: { url: string; log: Logger; folder?: string; version?: number }): Promise<void> {
  const folder = options.folder ?? fileURLToPath(new URL('./migrations/', import.meta.url));
  const version = options.version ?? binaryVersion;
  const client = new pg.Client({ connectionString: options.url, application_name: 'pipewright', keepAlive: true });
  client.on('error', (error) => options.log.warn({ error: error.message }, 'the connection for migrations was lost'));
  await client.connect().catch((error) => {
    throw new Error(`${placeOf(client)}: ${error.message}; start it, or correct DATABASE_URL`, { cause: error });
  });
  try {
    if (await isCurrent(client, { folder, version })) return;
    await apply(client, folder, options.log);
    // Again: a newer program may have migrated while this one waited for the lock.
    await refuseWhenTooOld(client, version);
  } finally {
    await client.end();
  }
}

/** Without the password. */
function placeOf({ user, database, host, port }: pg.Client): string {
  return `Postgres at ${host}:${port}, database "${database}", user "${user}"`;
}

/** Spares a start that has nothing to apply the loading of the migration library and the wait for its lock. */
async function isCurrent(client: pg.Client, program: { folder: string; version: number }): Promise<boolean> {
  const { rows } = await client.query('select to_regclass($1) is not null as there', [`${schema}.ledger`]);
  if (!rows[0].there) return false;
  await refuseWhenTooOld(client, program.version);
  const applied = await client.query<{ name: string }>(`select name from ${schema}.${table}`);
  const names = new Set(applied.rows.map((row) => row.name));
  const files = (await readdir(program.folder)).filter((file) => file.endsWith('.sql'));
  return files.every((file) => names.has(file.slice(0, -'.sql'.length)));
}

async function apply(client: pg.Client, folder: string, log: Logger): Promise<void> {
  const { runner } = await import('node-pg-migrate');
  const quiet = (message: string) => log.debug(message);
  const applied = await runner({
    dbClient: client,
    dir: folder,
    direction: 'up',
    schema,
    createSchema: true,
    migrationsTable: table,
    singleTransaction: true,
    // By default the second of two programs that start at once would fail.
    advisoryLockMode: 'wait',
    logger: { debug: quiet, info: quiet, warn: (message) => log.warn(message), error: (message) => log.error(message) },
  });
  if (applied.length > 0) log.info({ migrations: applied.map((each) => each.name) }, 'store migrated');
}

/** Throws TooOldError. Also for later: another replica may be a newer program, and migrate while this one runs. */
export async function refuseWhenTooOld(db: pg.ClientBase | pg.Pool, version = binaryVersion): Promise<void> {
  const { rows } = await db.query(`select minimum_binary from ${schema}.ledger`);
  const minimum = rows[0]?.minimum_binary ?? 0;
  if (minimum <= version) return;
  throw new TooOldError(
    `the store: a newer Pipewright has migrated it (it needs version ${minimum} of the schema, this one knows ${version}); start the newer Pipewright, or name another store with --home or DATABASE_URL`,
  );
}
