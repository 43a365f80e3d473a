import pg from 'pg';
import type { Logger } from 'pino';

/** The Postgres schema that holds every table of the store. */
export const schema = 'pipewright';

const limits = {
  statement_timeout: '60s',
  // A transaction that stands still holds claims and row locks that every other step waits for.
  idle_in_transaction_session_timeout: '60s',
  // Whatever the steps touch is recent, and in memory. Taken for reads of a disk that turns, a few hundred look-ups by key would seem
  // dearer than a scan of a month of history.
  random_page_cost: '1.1',
};

/**
 * Longer than any statement takes: whoever still has no answer then has a connection that the network has forgotten (a firewall, a
 * machine that is gone), and would wait for it for ever.
 */
const longestAnswerMs = 70_000;

/**
 * Connections to the store. Values arrive as: bigint → number (ids fit a double exactly, see migration 0001), timestamptz →
 * Date, date → `YYYY-MM-DD`, numeric → text. A lost connection is logged and replaced, and never ends the process.
 */
export function createPool(options: {
  url: string;
  log: Logger;
  max?: number;
  /** Marks what changes for `publish` (migration 0002). */
  publishes?: boolean;
  /** How long an answer is waited for, in ms. */
  answerMs?: number;
}): pg.Pool {
  const { log, answerMs = longestAnswerMs } = options;
  const marks = options.publishes ? { 'pipewright.publish': 'on' } : {};
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.max ?? 10,
    application_name: 'pipewright',
    options: Object.entries({ search_path: schema, timezone: 'UTC', ...limits, ...marks })
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
    connectionTimeoutMillis: 10_000,
    query_timeout: answerMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: { getTypeParser },
  });
  const lost = (error: Error) => log.warn({ error: error.message }, 'a connection to the store was lost');
  pool.on('error', lost);
  // The pool listens only to connections that lie in it: one that breaks while it is taken would end the process.
  pool.on('connect', (client) => client.on('error', lost));
  return pool;
}

/**
 * Runs `work` in a transaction of its own: committed when it resolves, rolled back when it throws. A connection that could
 * not be rolled back is thrown away, so that nobody continues a broken transaction.
 */
export async function transaction<T>(pool: pg.Pool, work: (db: pg.PoolClient) => Promise<T>): Promise<T> {
  const db = await pool.connect();
  let broken = false;
  try {
    await db.query('begin');
    const result = await work(db);
    await db.query('commit');
    return result;
  } catch (error) {
    await db.query('rollback').catch(() => {
      broken = true;
    });
    throw error;
  } finally {
    db.release(broken);
  }
}

const parsers: Record<number, (text: string) => unknown> = {
  // int8, int8[]
  20: Number,
  1016: (text) =>
    (pg.types.getTypeParser(1016 as number, 'text')(text) as (string | null)[]).map((id) =>
      id === null ? null : Number(id),
    ),
  // date: a calendar day has no instant, and the driver's own parser would give it this machine's zone.
  1082: String,
};

function getTypeParser(id: number, format?: 'text' | 'binary') {
  const parse = format === 'binary' ? undefined : parsers[id];
  return parse ?? pg.types.getTypeParser(id, format as 'text');
}
