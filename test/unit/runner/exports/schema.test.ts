import { expect, test } from 'vitest';
import { connectTo } from './support.ts';
import { useWarehouse } from './warehouse.ts';

const warehouse = useWarehouse();

test('names are kept exactly: upper case, spaces, quotes, reserved words', async () => {
  const rows = `select 1 as "VendorID", 2 as "a ""quoted"" Name", 3 as "select", 4 as "vendorid", 5 as "ünï"`;
  await warehouse.export({ table: 'My "Schema".Some Table', rows });
  expect(await warehouse.query(`select * from "My ""Schema""".${'"Some Table"'}`)).toEqual([
    { VendorID: '1', 'a "quoted" Name': '2', select: '3', vendorid: '4', ünï: '5' },
  ]);
});

test('a name with a dot in it is quoted as in SQL', async () => {
  await warehouse.export({ table: '"dotted.schema"."a.""b"""' });
  expect(await warehouse.query(`select * from "dotted.schema"."a.""b"""`)).toEqual([{ n: '1' }]);
});

test('a table without a schema lies where Postgres would look for it', async () => {
  await warehouse.export({ table: 'Unqualified' });
  expect(await warehouse.query(`select * from public."Unqualified"`)).toEqual([{ n: '1' }]);
});

test.each(['', 'a.b.c', 'a.', '.b', '"a'])('%j is no name of a table', async (table) => {
  await expect(warehouse.export({ table })).rejects.toMatchObject({ reason: 'SchemaMismatch' });
});

test.each([
  ['select 1 as a, 2 as a', 'the rows have two columns "a"'],
  [`select 1 as "${'x'.repeat(64)}"`, 'has a name of more than 63 bytes'],
])('%s is refused: %s', async (rows, message) => {
  await expect(warehouse.export({ table: 'public.names', rows })).rejects.toMatchObject({
    reason: 'SchemaMismatch',
    message: expect.stringContaining(message),
  });
});

/** Columns of an existing table that can hold a DuckDB type without loss, and what they show of the value. */
const fitting: [duckdb: string, existing: string, shown: string][] = [
  ['5::TINYINT', 'integer', '5'],
  ['-5::SMALLINT', 'bigint', '-5'],
  ['-5::SMALLINT', 'double precision', '-5'],
  ['-5::SMALLINT', 'real', '-5'],
  ['-5::SMALLINT', 'numeric(10,2)', '-5.00'],
  ['65535::USMALLINT', 'bigint', '65535'],
  ['(-2147483648)::INTEGER', 'bigint', '-2147483648'],
  ['(-2147483648)::INTEGER', 'double precision', '-2147483648'],
  ['123456789::INTEGER', 'numeric', '123456789'],
  ['4294967295::UINTEGER', 'double precision', '4294967295'],
  ['(-9223372036854775808)::BIGINT', 'numeric', '-9223372036854775808'],
  ['1.5::FLOAT', 'double precision', '1.5'],
  ['1.5::DECIMAL(5,2)', 'numeric(12,4)', '1.5000'],
  ['1.5::DECIMAL(5,2)', 'numeric', '1.50'],
  [`'abc'`, 'varchar(3)', 'abc'],
  [`'abc'`, 'character(5)', 'abc  '],
  [`'ok'`, 'schema_test.mood', 'ok'],
  [`'abc'`, 'schema_test.word', 'abc'],
  [`'{}'::JSON`, 'json', '{}'],
  [`'{}'::JSON`, 'text', '{}'],
  [`{'a': 1}`, 'json', '{"a":1}'],
  [`DATE '2019-01-31'`, 'timestamp', '2019-01-31 00:00:00'],
  [`DATE '-infinity'`, 'timestamp', '-infinity'],
  [`TIMESTAMP_S '2019-01-31 01:02:03'`, 'timestamp(0)', '2019-01-31 01:02:03'],
  ['[1, 2]::SMALLINT[]', 'integer[]', '{1,2}'],
  ['[1, 2]', 'jsonb', '[1, 2]'],
  [`['ok']`, 'schema_test.mood[]', '{ok}'],
];

test.each(fitting)('%s fits into an existing column %s', async (value, existing, shown) => {
  await warehouse.query('create schema if not exists schema_test');
  await warehouse.query(
    `do $$ begin create type schema_test.mood as enum ('ok', 'bad'); exception when duplicate_object then null; end $$`,
  );
  await warehouse.query(
    `do $$ begin create domain schema_test.word as text check (value <> ''); exception when duplicate_object then null; end $$`,
  );
  await warehouse.query(`drop table if exists schema_test.fits; create table schema_test.fits (v ${existing})`);
  await warehouse.export({ table: 'schema_test.fits', rows: `select ${value} as v` });
  const [row] = await warehouse.query(`select v from schema_test.fits`);
  expect(row?.v).toBe(shown);
});

const unfitting: [duckdb: string, existing: string, inRows: string][] = [
  ['5::BIGINT', 'integer', 'BIGINT'],
  ['5::BIGINT', 'double precision', 'BIGINT'],
  ['5::INTEGER', 'smallint', 'INTEGER'],
  ['5::INTEGER', 'real', 'INTEGER'],
  ['5::INTEGER', 'text', 'INTEGER'],
  ['1.5::DOUBLE', 'real', 'DOUBLE'],
  ['1.5::DOUBLE', 'numeric', 'DOUBLE'],
  ['1.555::DECIMAL(5,3)', 'numeric(5,2)', 'DECIMAL(5,3)'],
  [`'a'`, 'jsonb', 'VARCHAR'],
  [`'a'`, 'integer', 'VARCHAR'],
  [`TIMESTAMP '2019-01-01'`, 'timestamp with time zone', 'TIMESTAMP'],
  [`TIMESTAMP '2019-01-01'`, 'timestamp(0) without time zone', 'TIMESTAMP'],
  [`TIMESTAMPTZ '2019-01-01'`, 'timestamp without time zone', 'TIMESTAMP WITH TIME ZONE'],
  [`TIMESTAMP '2019-01-01'`, 'date', 'TIMESTAMP'],
  ['[5]::BIGINT[]', 'integer[]', 'BIGINT[]'],
];

test.each(unfitting)('%s does not fit into an existing column %s', async (value, existing, inRows) => {
  await warehouse.query(
    `create schema if not exists schema_test; drop table if exists schema_test.unfit; create table schema_test.unfit ("V" ${existing})`,
  );
  await expect(warehouse.export({ table: 'schema_test.unfit', rows: `select ${value} as "V"` })).rejects.toMatchObject({
    reason: 'SchemaMismatch',
    message: expect.stringContaining(`column "V" is ${existing} in the table and ${inRows} in the rows`),
  });
});

test('all that does not fit is said at once', async () => {
  await warehouse.query(
    `create table public.many (a smallint, b integer not null, c integer generated always as (1) stored)`,
  );
  await expect(
    warehouse.export({ table: 'public.many', rows: `select 'x' as a, 1 as c, 2 as d` }),
  ).rejects.toMatchObject({
    reason: 'SchemaMismatch',
    message: expect.stringMatching(
      /"a" is smallint.*"c" is generated.*lacks the column "d" \(INTEGER\).*"b" may not be null/,
    ),
  });
});

test('columns that the rows lack become null or their default', async () => {
  await warehouse.query(
    `create table public.defaults (n integer, made text not null default 'made', id bigserial primary key, note text)`,
  );
  await warehouse.export({ table: 'public.defaults' });
  expect(await warehouse.query('select n, made, id, note from public.defaults')).toEqual([
    { n: '1', made: 'made', id: '1', note: null },
  ]);
});

test('schemaChange: add adds what the table lacks, the tag too, and a second time nothing', async () => {
  await warehouse.query(`create table public.grown (n integer); insert into public.grown values (0)`);
  const rows = `select 1 as n, 'new' as name`;
  const write = { mode: 'replaceWindow', tag: 'window_start' } as const;
  await expect(warehouse.export({ table: 'public.grown', rows, write })).rejects.toMatchObject({
    message: expect.stringContaining('schemaChange: add'),
  });
  await warehouse.export({ table: 'public.grown', rows, write, schemaChange: 'add' });
  await warehouse.export({ table: 'public.grown', rows, write, schemaChange: 'add', runNo: 2 });
  expect(await warehouse.query('select * from public.grown order by n')).toEqual([
    { n: '0', name: null, window_start: null },
    { n: '1', name: 'new', window_start: '2019-01-01 00:00:00+00' },
  ]);
});

test('a tag column must be a timestamptz of ours', async () => {
  await warehouse.query('create table public.badtag (n integer, t text)');
  const write = { mode: 'replaceWindow', tag: 't' } as const;
  await expect(warehouse.export({ table: 'public.badtag', write })).rejects.toMatchObject({
    message: expect.stringContaining('column "t" of write.tag is text; it must be timestamp with time zone'),
  });
  await expect(warehouse.export({ table: 'public.other', write: { ...write, tag: 'n' } })).rejects.toMatchObject({
    message: expect.stringContaining('the rows already have a column "n"'),
  });
});

test('a view is no table', async () => {
  await warehouse.query('create view public.seen as select 1 as n');
  await expect(warehouse.export({ table: 'public.seen' })).rejects.toMatchObject({
    reason: 'SchemaMismatch',
    message: expect.stringContaining('a view'),
  });
});

test('a partitioned table takes rows as any other', async () => {
  await warehouse.query(`create table public.parts (n integer, name text) partition by range (n);
    create table public.parts_low partition of public.parts for values from (0) to (10);
    create table public.parts_high partition of public.parts for values from (10) to (20)`);
  const rows = `select i::integer as n, 'x' as name from range(0, 20) r(i)`;
  await warehouse.export({ table: 'public.parts', rows, write: { mode: 'replace' } });
  await warehouse.export({ table: 'public.parts', rows, write: { mode: 'merge', keys: ['n'] } });
  expect(await warehouse.query('select count(*) from public.parts_high')).toEqual([{ count: '10' }]);
});

test.each([
  [`select 'a' || chr(0) || 'b' as "Name"`, 'column "Name": invalid byte sequence for encoding "UTF8": 0x00'],
  [`select 1 as ok, TIMESTAMP '290000-01-01 (BC) 00:00:00' as "At"`, 'column "At": timestamp out of range'],
  [`select DATE '290000-01-01 (BC)' as "Day"`, 'column "Day": date out of range'],
  // Shifted to Postgres' count of days, this one would become infinity.
  [`select DATE '1970-01-01' + (-2147472692)::integer as "Day"`, 'column "Day": date out of range'],
  [`select TIMESTAMP_NS '2019-01-01 00:00:00.000000001' as "Fine"`, 'column "Fine": a value has nanoseconds'],
])('what Postgres cannot hold is refused by the name of its column: %s', async (rows, message) => {
  await expect(warehouse.export({ table: `held.${message.length}`, rows })).rejects.toMatchObject({
    reason: 'InvalidInput',
    message: expect.stringContaining(message),
  });
});

test('a type without a form in Postgres is refused before anything is made', async () => {
  await expect(
    warehouse.export({ table: 'public.shapes', rows: `select 'POINT (1 2)'::GEOMETRY as shape` }),
  ).rejects.toMatchObject({
    reason: 'SchemaMismatch',
    message: expect.stringContaining('column "shape" is GEOMETRY, for which Postgres has no type; cast it in SQL'),
  });
});

test('rows that break a constraint of the table are a mismatch that names column or constraint', async () => {
  await warehouse.query(
    `create table public.strict (n integer not null, m integer constraint m_is_small check (m < 10))`,
  );
  await expect(
    warehouse.export({ table: 'public.strict', rows: 'select null::integer as n, 1 as m' }),
  ).rejects.toMatchObject({
    reason: 'SchemaMismatch',
    message: expect.stringMatching(/column "n": null value/),
  });
  await expect(warehouse.export({ table: 'public.strict', rows: 'select 1 as n, 11 as m' })).rejects.toMatchObject({
    reason: 'SchemaMismatch',
    message: expect.stringMatching(/m_is_small/),
  });
});

test('a role without the right is told which', async () => {
  await warehouse.query(
    `drop role if exists powerless; create role powerless login password 'test'; create schema closed; create table closed.t (n integer)`,
  );
  const url = new URL(warehouse.url());
  url.username = 'powerless';
  const connection = connectTo(url.href);
  await expect(warehouse.export({ table: 'closed.t', connection })).rejects.toMatchObject({
    reason: 'ExportFailed',
    message: expect.stringMatching(/permission denied for schema closed.*grant it to "powerless"/),
  });
  await connection.close();
});
