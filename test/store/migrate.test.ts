import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { binaryVersion, migrate } from '../../controller/store/migrate.ts';
import { createPool } from '../../controller/store/pool.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { dumpSchema } from '../support/schema-dump.ts';

const log = pino({ level: 'silent' });
const migrations = fileURLToPath(new URL('../../controller/store/migrations/', import.meta.url));
const fixture = fileURLToPath(new URL('../support/fixtures/migrate.ts', import.meta.url));

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let folder: string;

beforeEach(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'pipewright-migrations-'));
});

afterEach(async () => {
  await database.drop();
  await rm(folder, { recursive: true });
});

async function query(text: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: database.url, options: '-c search_path=pipewright' });
  await client.connect();
  return client.query(text).finally(() => client.end());
}

/** The migrations of a newer program: one more than this one has. */
async function newerMigrations(sql: string): Promise<string> {
  await cp(migrations, folder, { recursive: true });
  await writeFile(join(folder, '9000_newer.sql'), sql);
  return folder;
}

test('the version of the program is the number of its migrations', async () => {
  expect(binaryVersion).toBe((await readdir(migrations)).filter((file) => file.endsWith('.sql')).length);
});

test('the migrated schema is the one in schema.golden.sql', async () => {
  await migrate({ url: database.url, log });
  const dump = await dumpSchema(database.url, 'pipewright');
  await expect(
    dump,
    'the schema differs from test/store/schema.golden.sql; if that is meant, run: npx vitest run test/store/migrate.test.ts -u',
  ).toMatchFileSnapshot('./schema.golden.sql');
});

test('twenty programs that start at once on an empty database all succeed and apply each migration once', async () => {
  const start = () => promisify(execFile)(process.execPath, [fixture, database.url]);
  await Promise.all(Array.from({ length: 20 }, start));
  const { rows } = await query('select name from migrations order by name');
  expect(rows.map((row) => `${row.name}.sql`)).toEqual((await readdir(migrations)).sort());
  expect((await query('select count(*)::int as ledgers from ledger')).rows).toEqual([{ ledgers: 1 }]);
});

test('a second start applies nothing and keeps the ledger', async () => {
  await migrate({ url: database.url, log });
  const before = (await query('select id from ledger')).rows;
  await migrate({ url: database.url, log });
  expect((await query('select id from ledger')).rows).toEqual(before);
});

test('a failing migration leaves none of its statements behind', async () => {
  const newer = await newerMigrations('create table half (id int); select 1 / 0;');
  await expect(migrate({ url: database.url, log, folder: newer })).rejects.toThrow(/division by zero/);
  expect(
    (await query("select to_regclass('pipewright.ledger') as ledger, to_regclass('pipewright.half') as half")).rows,
  ).toEqual([{ ledger: null, half: null }]);
});

test('a newer migration that breaks older programs makes them refuse the store in one sentence', async () => {
  await migrate({ url: database.url, log });
  const folder = await newerMigrations(`update ledger set minimum_binary = ${binaryVersion + 1};`);
  await migrate({ url: database.url, log, folder, version: binaryVersion + 1 });
  await expect(migrate({ url: database.url, log })).rejects.toThrow(
    `the store: a newer Pipewright has migrated it (it needs version ${binaryVersion + 1} of the schema, this one knows ${binaryVersion}); start the newer Pipewright, or name another store with --home or DATABASE_URL`,
  );
});

test('a newer migration that breaks nothing is left alone by an older program', async () => {
  await migrate({
    url: database.url,
    log,
    folder: await newerMigrations('create table newer (id int);'),
    version: binaryVersion + 1,
  });
  await migrate({ url: database.url, log });
  expect((await query('select count(*)::int as rows from newer')).rows).toEqual([{ rows: 0 }]);
});

test('a newer program applies what is missing to the store of an older one', async () => {
  await migrate({ url: database.url, log });
  await migrate({
    url: database.url,
    log,
    folder: await newerMigrations('create table newer (id int);'),
    version: binaryVersion + 1,
  });
  expect((await query('select count(*)::int as rows from newer')).rows).toEqual([{ rows: 0 }]);
});

test('ids and partitions work through the pool of the controller', async () => {
  await migrate({ url: database.url, log });
  const pool = createPool({ url: database.url, log });
  const { rows } = await pool.query('select new_run_id() as id, ensure_partitions()');
  expect(Number.isSafeInteger(rows[0].id)).toBe(true);
  await pool.end();
});
