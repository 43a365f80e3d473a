import pg from 'pg';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createPool, transaction } from '../../controller/store/pool.ts';
import { createLink } from '../support/link.ts';
import { createTestDatabase } from '../support/postgres.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let pool: pg.Pool;
let warnings: string[];

beforeEach(async () => {
  database = await createTestDatabase();
  warnings = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => warnings.push(JSON.parse(line).msg) });
  pool = createPool({ url: database.url, log, max: 2 });
  await pool.query('create schema pipewright');
  await pool.query('create table numbers (n bigint)');
});

afterEach(async () => {
  await pool.end();
  await database.drop();
});

test('bigints are numbers, instants are Dates and calendar days are text', async () => {
  const { rows } = await pool.query(
    "select 4294967296::bigint as n, array[1, null]::bigint[] as ns, date '2019-01-31' as day, timestamptz '2019-01-31 12:00+01' as at, 0.1::numeric as fraction",
  );
  expect(rows).toEqual([
    { n: 4294967296, ns: [1, null], day: '2019-01-31', at: new Date('2019-01-31T11:00:00Z'), fraction: '0.1' },
  ]);
});

test('unqualified tables are those of the schema of the store', async () => {
  await pool.query('insert into numbers values (1)');
  expect((await pool.query('select n from pipewright.numbers')).rows).toEqual([{ n: 1 }]);
});

test('a transaction is committed when its work resolves', async () => {
  expect(await transaction(pool, (db) => db.query('insert into numbers values (1)'))).toMatchObject({ rowCount: 1 });
  expect((await pool.query('select n from numbers')).rows).toEqual([{ n: 1 }]);
});

test('a transaction is rolled back when its work throws, and its connection is good for the next', async () => {
  for (const _ of [1, 2, 3]) {
    const work = transaction(pool, async (db) => {
      await db.query('insert into numbers values (1)');
      throw new Error('no');
    });
    await expect(work).rejects.toThrow('no');
  }
  expect((await pool.query('select n from numbers')).rows).toEqual([]);
});

test('a connection that is lost while idle is logged and replaced', async () => {
  const { rows } = await pool.query('select pg_backend_pid() as pid');
  await endBackend(rows[0].pid);
  await expect.poll(() => warnings).toContain('a connection to the store was lost');
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
});

test('a connection that is lost between two statements of a transaction fails that transaction only', async () => {
  const work = transaction(pool, async (db) => {
    const { rows } = await db.query('select pg_backend_pid() as pid');
    await db.query('insert into numbers values (1)');
    await endBackend(rows[0].pid);
    await expect.poll(() => warnings).toContain('a connection to the store was lost');
    await db.query('insert into numbers values (2)');
  });
  await expect(work).rejects.toThrow();
  expect((await pool.query('select count(*) as rows from numbers')).rows).toEqual([{ rows: 0 }]);
});

async function endBackend(pid: number): Promise<void> {
  const client = new pg.Client(database.url);
  await client.connect();
  await client.query('select pg_terminate_backend($1)', [pid]).finally(() => client.end());
}

test('a connection that the network has forgotten is given up, and the next one works', async () => {
  const url = new URL(database.url);
  const { hostname, port } = url;
  const link = await createLink({ host: hostname, to: () => [{ host: hostname, port: Number(port) }] });
  url.port = String(link.port);
  const behind = createPool({ url: url.href, log: pino({ level: 'silent' }), max: 1, answerMs: 500 });
  await behind.query('select 1');
  link.forget();
  await expect(transaction(behind, (db) => db.query('select 2'))).rejects.toThrow();
  expect((await behind.query('select 3 as n')).rows).toEqual([{ n: 3 }]);
  await behind.end();
  await link.close();
});
