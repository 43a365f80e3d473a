import { expect, test } from 'vitest';
import { february, january } from './support.ts';
import { useWarehouse } from './warehouse.ts';

const warehouse = useWarehouse();

const numbers = (from: number, to: number) =>
  `select i::integer as n, 'row ' || i as name from range(${from}, ${to}) r(i)`;

async function count(table: string): Promise<number> {
  const [row] = await warehouse.query<{ count: string }>(`select count(*) from ${table}`);
  return Number(row?.count);
}

test('append adds, also no rows, one row, and more than a chunk of them', async () => {
  for (const rows of [0, 1, 2048, 2049, 10_000]) {
    const before = rows === 0 ? 0 : await count('modes.append');
    const result = await warehouse.export({ table: 'modes.append', rows: numbers(0, rows) });
    expect(result.rows).toBe(rows);
    expect(await count('modes.append')).toBe(before + rows);
  }
  const sums = await warehouse.query(`select sum(n) as n, sum(length(name)) as name from modes.append where n >= 2049`);
  expect(sums).toEqual([{ n: String(((2049 + 9999) * (10_000 - 2049)) / 2), name: String((10_000 - 2049) * 8) }]);
});

test('replace leaves only the new rows, and the table, its grants and its columns’ order as they were', async () => {
  await warehouse.query('create schema if not exists kept');
  await warehouse.query(`create table kept.t (name text, id integer generated always as identity, n integer not null)`);
  await warehouse.query(`do $$ begin create role kept_reader; exception when duplicate_object then null; end $$`);
  await warehouse.query('grant usage on schema kept to kept_reader; grant select on kept.t to kept_reader');
  await warehouse.query('create view kept.v as select n from kept.t');
  const oid = await warehouse.query(`select 'kept.t'::regclass::oid as oid`);
  await warehouse.export({ table: 'kept.t', rows: numbers(0, 10), write: { mode: 'replace' } });
  await warehouse.export({ table: 'kept.t', rows: numbers(5, 8), write: { mode: 'replace' } });
  expect(await warehouse.query('select n from kept.v order by n')).toEqual([{ n: '5' }, { n: '6' }, { n: '7' }]);
  expect(await warehouse.query(`select 'kept.t'::regclass::oid as oid`)).toEqual(oid);
  expect(await warehouse.query(`select has_table_privilege('kept_reader', 'kept.t', 'select') as may`)).toEqual([
    { may: 't' },
  ]);
  await warehouse.query('drop schema kept cascade; drop role kept_reader');
});

test('replaceWindow with tag replaces the rows of its window and no others', async () => {
  const write = { mode: 'replaceWindow', tag: 'Window Start' } as const;
  await warehouse.export({ table: 'modes.tagged', write, rows: numbers(0, 3), window: january });
  await warehouse.export({ table: 'modes.tagged', write, rows: numbers(10, 14), window: february });
  await warehouse.export({ table: 'modes.tagged', write, rows: numbers(20, 25), window: january, runNo: 2 });
  expect(
    await warehouse.query(
      `select "Window Start"::text as tag, min(n), count(*) from modes.tagged group by 1 order by 1`,
    ),
  ).toEqual([
    { tag: '2019-01-01 00:00:00+00', min: '20', count: '5' },
    { tag: '2019-02-01 00:00:00+00', min: '10', count: '4' },
  ]);
});

test('a table that is made for tags finds a window by a BRIN index', async () => {
  const indexes = await warehouse.query(
    `select indexdef from pg_indexes where schemaname = 'modes' and tablename = 'tagged'`,
  );
  expect(indexes).toEqual([
    {
      indexdef: `CREATE INDEX "tagged_Window Start_idx" ON modes.tagged USING brin ("Window Start") WITH (autosummarize='on')`,
    },
  ]);
});

const tripsOf = (month: string, name: string) =>
  `select (timestamptz '2019-${month}-01 00:00:00+00' + to_days(i::integer)) as at, '${name}' as name from range(0, 28) r(i)`;

test('replaceWindow with by replaces the rows in the window, up to but not including its end', async () => {
  const write = { mode: 'replaceWindow', by: 'at' } as const;
  await warehouse.export({ table: 'modes.by', write, rows: tripsOf('01', 'a') });
  await warehouse.export({ table: 'modes.by', write, rows: tripsOf('02', 'b'), window: february });
  await warehouse.export({ table: 'modes.by', write, rows: tripsOf('01', 'c'), runNo: 2 });
  expect(await warehouse.query('select name, count(*) from modes.by group by 1 order by 1')).toEqual([
    { name: 'b', count: '28' },
    { name: 'c', count: '28' },
  ]);
});

test('rows outside of the window are refused with their number and an example, and nothing is written', async () => {
  const rows = `${tripsOf('01', 'a')} union all select timestamptz '2019-02-01 00:00:00+00', 'late' union all select null, 'never'`;
  const failure = warehouse.export({ table: 'modes.outside', write: { mode: 'replaceWindow', by: 'at' }, rows });
  await expect(failure).rejects.toMatchObject({
    reason: 'OutsideWindow',
    message: expect.stringMatching(
      /^2 rows lie outside of window 2019-01 by "at", the first at 2019-02-01 00:00:00\+00; .*outside: drop$/,
    ),
  });
  expect(await count('modes.outside')).toBe(0);
});

test('with outside: drop they are left out, and the report says how many', async () => {
  const rows = `select timestamp '2018-12-31' + to_hours(i::integer) as at, repeat('x', (i % 40)::integer) as filler, i from range(0, 5000) r(i)`;
  const write = { mode: 'replaceWindow', by: 'at', outside: 'drop' } as const;
  const result = await warehouse.export({ table: 'modes.dropped', write, rows });
  expect(result).toMatchObject({ rows: 31 * 24, note: `${5000 - 31 * 24} rows outside of the window were dropped` });
  const [sum] = await warehouse.query(
    'select min(at), max(at), bool_and(length(filler) = i % 40) as whole from modes.dropped',
  );
  expect(sum).toEqual({ min: '2019-01-01 00:00:00', max: '2019-01-31 23:00:00', whole: 't' });
});

test('a column without a zone, and a date, are read in the calendar’s zone', async () => {
  const newYork = { ...january, start: '2019-01-01T05:00:00.000Z', end: '2019-02-01T05:00:00.000Z' };
  const options = { timeZone: 'America/New_York', window: newYork };
  const local = { mode: 'replaceWindow', by: 'at' } as const;
  await warehouse.export({
    table: 'modes.wall',
    write: local,
    rows: `select timestamp '2019-01-01 00:00:00' as at`,
    ...options,
  });
  await warehouse.export({ table: 'modes.dates', write: local, rows: `select date '2019-01-31' as at`, ...options });
  for (const outside of [`timestamp '2019-02-01 00:00:00'`, `date '2019-02-01'`, `date '2018-12-31'`]) {
    const failure = warehouse.export({
      table: 'modes.other',
      write: local,
      rows: `select ${outside} as at`,
      ...options,
    });
    await expect(failure).rejects.toMatchObject({ reason: 'OutsideWindow' });
  }
  await warehouse.export({
    table: 'modes.wall',
    write: local,
    rows: `select timestamp '2019-01-31 23:59:59' as at`,
    ...options,
    runNo: 2,
  });
  expect(await warehouse.query('select at from modes.wall')).toEqual([{ at: '2019-01-31 23:59:59' }]);
});

test('merge updates what has the keys and inserts the rest, without a constraint on the table', async () => {
  await warehouse.query(
    'create schema if not exists modes; create table modes.merged (id integer, "Part" text, n integer, kept text)',
  );
  await warehouse.query(
    `insert into modes.merged values (1, 'a', 1, 'kept'), (1, 'b', 2, 'kept'), (9, 'z', 9, 'kept')`,
  );
  const rows = `select * from (values (1, 'a', 10), (2, 'a', 20), (1, 'b', null)) t(id, "Part", n)`;
  const write = { mode: 'merge', keys: ['id', 'Part'] as [string, string] } as const;
  const result = await warehouse.export({ table: 'modes.merged', write, rows });
  await warehouse.export({ table: 'modes.merged', write, rows });
  expect(result.rows).toBe(3);
  expect(await warehouse.query('select * from modes.merged order by id, "Part"')).toEqual([
    { id: '1', Part: 'a', n: '10', kept: 'kept' },
    { id: '1', Part: 'b', n: null, kept: 'kept' },
    { id: '2', Part: 'a', n: '20', kept: null },
    { id: '9', Part: 'z', n: '9', kept: 'kept' },
  ]);
});

test('merge makes a table with an index on the keys, and takes rows that are nothing but keys', async () => {
  const write = { mode: 'merge', keys: ['n'] as [string] } as const;
  await warehouse.export({ table: 'modes.keys', write, rows: 'select 1 as n' });
  await warehouse.export({ table: 'modes.keys', write, rows: 'select unnest([1, 2]) as n' });
  expect(await count('modes.keys')).toBe(2);
  const [index] = await warehouse.query(
    `select indexdef from pg_indexes where schemaname = 'modes' and tablename = 'keys'`,
  );
  expect(index?.indexdef).toMatch(/^CREATE UNIQUE INDEX/);
});

test('merge refuses rows with the same keys, and keys that are null', async () => {
  const write = { mode: 'merge', keys: ['id', 'Part'] as [string, string] } as const;
  const twice = warehouse.export({
    table: 'modes.refused',
    write,
    rows: `select 7 as id, 'x' as "Part", unnest([1, 2]) as n`,
  });
  await expect(twice).rejects.toMatchObject({
    reason: 'InvalidInput',
    message:
      'table "modes"."refused": write.keys: several rows have the keys {"id":7,"Part":"x"}; keep one of them in SQL',
  });
  const empty = warehouse.export({ table: 'modes.refused', write, rows: `select 7 as id, null::varchar as "Part"` });
  await expect(empty).rejects.toMatchObject({
    reason: 'InvalidInput',
    message: expect.stringContaining('a row has a null in "id", "Part"'),
  });
  expect(await count('modes.refused')).toBe(0);
});

test('the column that a mode names must be among the rows', async () => {
  const writes = [
    { mode: 'replaceWindow', by: 'when' },
    { mode: 'merge', keys: ['when'] as [string] },
  ] as const;
  for (const write of writes) {
    const failure = warehouse.export({ write, rows: 'select 1 as n' });
    await expect(failure).rejects.toMatchObject({
      reason: 'SchemaMismatch',
      message: expect.stringContaining('no column "when"; they have n'),
    });
  }
});
