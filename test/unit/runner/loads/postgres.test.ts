import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase } from '../../../support/postgres.ts';
import { type BlockInput, postgresConnection, run, type TaskInput } from '../support.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  database = await createTestDatabase();
  const client = new pg.Client(database.url);
  await client.connect();
  await client.query("create type mood as enum ('sad', 'glad'); create table made (n int)");
  await client.end();
});
afterAll(() => database.drop());

function query(sql: NonNullable<NonNullable<BlockInput['load']>['postgres']>['sql'], more: Partial<TaskInput> = {}) {
  return run({
    blocks: [{ name: 'rows', load: { postgres: { connection: 'source', sql } } }],
    connections: { source: postgresConnection(database.url) },
    ...more,
  });
}

describe('rows of a query', () => {
  test('keep their types and values', async () => {
    const values: [string, string, string, string | null][] = [
      ['int2', "'-5'::int2", 'SMALLINT', '-5'],
      ['int4', '5', 'INTEGER', '5'],
      ['int8', '9223372036854775807', 'BIGINT', '9223372036854775807'],
      ['float4', '1.5::float4', 'FLOAT', '1.5'],
      ['float8', "'Infinity'::float8", 'DOUBLE', 'Infinity'],
      ['exact', '12345678901234567890.12::numeric(30,2)', 'DECIMAL(30,2)', '12345678901234567890.12'],
      ['free', '2.5::numeric', 'DOUBLE', '2.5'],
      ['bool', 'true', 'BOOLEAN', 'true'],
      ['text', "'it''s, \"\" \\ é'", 'VARCHAR', 'it\'s, "" \\ é'],
      ['empty', "''", 'VARCHAR', ''],
      ['none', 'null::int', 'INTEGER', null],
      ['date', "date '2019-02-28'", 'DATE', '2019-02-28'],
      ['time', "time '12:34:56.789'", 'TIME', '12:34:56.789'],
      ['stamp', "timestamp '2019-02-28 12:34:56.789'", 'TIMESTAMP', '2019-02-28 12:34:56.789'],
      ['stamptz', "timestamptz '2019-02-28 12:00:00-05'", 'TIMESTAMP WITH TIME ZONE', '2019-02-28 17:00:00+00'],
      ['span', "interval '1 month 2 days 3 seconds'", 'INTERVAL', '1 month 2 days 00:00:03'],
      ['doc', `'{"a": 1}'::jsonb`, 'JSON', '{"a": 1}'],
      ['id', "'00000000-0000-0000-0000-000000000001'::uuid", 'UUID', '00000000-0000-0000-0000-000000000001'],
      ['bytes', "'\\x00ff'::bytea", 'BLOB', '\\x00\\xFF'],
      ['list', 'array[1, 2]', 'VARCHAR', '{1,2}'],
      ['mood', "'glad'::mood", 'VARCHAR', 'glad'],
    ];
    const { report } = await query(`select ${values.map(([name, sql]) => `${sql} as "${name}"`).join(', ')}`);
    expect(report).toMatchObject({ outcome: 'Succeeded' });
    expect(report.sample?.columns).toEqual(values.map(([name, , type]) => ({ name, type })));
    expect(report.sample?.rows).toEqual([values.map(([, , , value]) => value)]);
  });

  test('may be many', async () => {
    const { report, block } = await run({
      blocks: [
        {
          name: 'many',
          load: {
            postgres: { connection: 'source', sql: "select g, repeat('x', 100) as t from generate_series(1, 60000) g" },
          },
        },
        { name: 'sum', from: ['many'], transform: { sql: 'select sum(g) as s, count(distinct t) as t from many' } },
      ],
      connections: { source: postgresConnection(database.url) },
    });
    expect(report.sample?.rows).toEqual([['1800030000', '1']]);
    expect(block('many')).toMatchObject({ kind: 'load.postgres', rows: 60_000 });
  });

  test('may be none', async () => {
    const { report, block } = await query('select 1 as n where false');
    expect(report.sample).toMatchObject({ columns: [{ name: 'n', type: 'INTEGER' }], rows: [] });
    expect(block('rows').rows).toBe(0);
  });

  test('take the values in braces as parameters', async () => {
    const { report } = await query(
      'select {{ evil }}::text as e, {{ n }} + 1 as n, {{ window.start }}::timestamptz as t',
      {
        variables: { evil: "'; drop table made", n: 2 },
        window: {
          start: '2019-02-01T00:00:00Z',
          end: '2019-03-01T00:00:00Z',
          previousStart: '2019-01-01T00:00:00Z',
          previousEnd: '2019-02-01T00:00:00Z',
          nextEnd: '2019-04-01T00:00:00Z',
          label: '2019-02',
        },
      },
    );
    expect(report.sample?.rows).toEqual([["'; drop table made", '3', '2019-02-01 00:00:00+00']]);
  });
});

describe('a query', () => {
  test('that is wrong is told with its place in its file', async () => {
    const { report } = await query(
      { file: 'sql/rows.sql' },
      { files: { 'sql/rows.sql': "select {{ 'a long value' }},\n  nope\nfrom made" } },
    );
    expect(report).toMatchObject({
      reason: 'LoadFailed',
      error: { block: 'rows', file: 'sql/rows.sql', line: 2, column: 3 },
    });
    expect(report.error?.message).toBe('block "rows": the query failed: column "nope" does not exist');
  });

  test('cannot write', async () => {
    const { report } = await query('with x as (insert into made values (1) returning n) select * from x');
    expect(report).toMatchObject({ outcome: 'Failed', reason: 'LoadFailed' });
    const write = await query(
      "select setval(pg_get_serial_sequence('made', 'n'), 1), pg_notify('a', 'b'), lo_create(0)",
    );
    expect(write.report).toMatchObject({ outcome: 'Failed', reason: 'LoadFailed' });
  });

  test('is one statement', async () => {
    const { report } = await query('select 1; drop table made');
    expect(report).toMatchObject({ outcome: 'Failed', reason: 'LoadFailed' });
  });

  test('that takes too long is ended with its task, on the server too', async () => {
    const { report } = await query('select pg_sleep(600), 1 as slow_one', { timeoutMs: 400 });
    expect(report).toMatchObject({ outcome: 'Failed', reason: 'TimedOut' });
    const client = new pg.Client(database.url);
    await client.connect();
    const left =
      "select count(*)::int as n from pg_stat_activity where query like '%slow_one%' and pid <> pg_backend_pid()";
    await expect.poll(async () => (await client.query(left)).rows[0].n, { timeout: 30_000 }).toBe(0);
    await client.end();
  });
});
