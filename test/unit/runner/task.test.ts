import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import type { CompiledBlock } from '../../../schemas/generated/types.ts';
import { createTestDatabase } from '../../support/postgres.ts';
import { type BlockInput, postgresConnection, rows, run } from './support.ts';

const numbers = (checks: CompiledBlock['checks'] = []): BlockInput => ({
  name: 'numbers',
  transform: { sql: 'select i::int as n, if(i % 4 = 0, null, i)::int as m from range(10000) t(i)' },
  checks,
});
const copy = (name: string, from: string, checks: CompiledBlock['checks'] = []): BlockInput => ({
  name,
  from: [from],
  transform: { sql: `select * from ${from}` },
  checks,
});

describe('checks', () => {
  test('count the rows for which an expectation is not true, null included', async () => {
    const { report, block } = await run({
      blocks: [numbers([{ expect: 'n >= 0' }, { name: 'm is there', expect: 'm >= 0 -- null fails' }])],
    });
    expect(report).toMatchObject({ outcome: 'Failed', reason: 'CheckFailed' });
    expect(report.error).toMatchObject({ block: 'numbers', file: 'pipeline.yaml', line: 10, column: 5 });
    expect(report.error?.message).toBe(
      'block "numbers": check "m is there" failed for 2,500 of 10,000 rows; what reads it was not written; mend the rows, or give the check severity: warn',
    );
    expect(block('numbers').checks).toEqual([
      { name: 'n >= 0', severity: 'error', failedRows: 0, passed: true },
      { name: 'm is there', severity: 'error', failedRows: 2500, passed: false },
    ]);
  });

  test('of severity warn are only reported', async () => {
    const { report, block } = await run({ blocks: [numbers([{ expect: 'n < 9000', severity: 'warn' }])] });
    expect(report.outcome).toBe('Succeeded');
    expect(block('numbers').checks).toEqual([{ name: 'n < 9000', severity: 'warn', failedRows: 1000, passed: false }]);
  });

  test('see the rows of their own block, not what others leave of them', async () => {
    const { report, block } = await run({
      blocks: [
        numbers([{ expect: 'n < 9000', severity: 'warn' }]),
        { name: 'few', from: ['numbers'], transform: { sql: 'select * from numbers where n < 10' } },
      ],
    });
    expect(report.outcome).toBe('Succeeded');
    expect(block('numbers')).toMatchObject({ rows: 10_000, checks: [{ failedRows: 1000 }] });
    expect(block('few')).toMatchObject({ rows: 10 });
  });

  test('may be a query over the block and its inputs', async () => {
    const { report, block } = await run({
      blocks: [
        numbers(),
        {
          ...copy('few', 'numbers', [
            { name: 'none is lost', sql: 'select * from numbers anti join few using (n);' },
            { name: 'none is even', sql: 'select * from few where n % 2 = 0', severity: 'warn' },
          ]),
          transform: { sql: 'select * from numbers where n > 2' },
        },
      ],
    });
    expect(report).toMatchObject({ reason: 'CheckFailed' });
    expect(report.error?.message).toContain('check "none is lost" failed for 3 of 9,997 rows');
    expect(block('few').checks).toMatchObject([{ failedRows: 3 }, { failedRows: 4998, severity: 'warn' }]);
  });

  test('that the engine does not understand are told before anything runs', async () => {
    const { report } = await run({ blocks: [numbers([{ name: 'typo', expect: 'nn > 0' }])] });
    expect(report).toMatchObject({ reason: 'TransformFailed', error: { block: 'numbers', line: 10 } });
    expect(report.error?.message).toMatch(/^block "numbers": check "typo": Referenced column "nn" not found/);
  });

  test('stop what is downstream', async () => {
    const { report, block, folder } = await run({
      blocks: [numbers([{ expect: 'n < 5' }]), copy('copy', 'numbers')],
      outputs: ['copy'],
    });
    expect(report).toMatchObject({ reason: 'CheckFailed', error: { block: 'numbers' } });
    expect(block('copy').rows).toBeNull();
    expect(await readdir(join(folder, 'artifacts'))).toEqual([]);
  });
});

describe('rows for other tasks', () => {
  test('are written and read again with every digit', async () => {
    const first = await run({
      blocks: [
        {
          name: 'wide',
          transform: {
            sql: "select 12345678901234567890123456789::hugeint as h, 1.25::decimal(10,2) as d, timestamptz '2019-01-01 00:00:00+00' as t, [1, 2] as l, {'a': 1} as s, null as n",
          },
        },
      ],
      outputs: ['wide'],
    });
    expect(first.report).toMatchObject({ outcome: 'Succeeded' });
    expect(first.report.sample?.rows).toEqual([
      ['12345678901234567890123456789', '1.25', '2019-01-01 00:00:00+00', '[1, 2]', "{'a': 1}", null],
    ]);
    expect(await readdir(join(first.folder, 'artifacts'))).toEqual(['wide.parquet']);
    const second = await run({ blocks: [copy('again', 'wide')], inputs: ['wide'], folder: first.folder });
    expect(second.report.sample?.rows).toEqual(first.report.sample?.rows);
  });

  test('replace those of an earlier attempt', async () => {
    const { folder } = await run({ blocks: [{ name: 'a', transform: { sql: 'select 1 as n' } }], outputs: ['a'] });
    await run({ blocks: [{ name: 'a', transform: { sql: 'select 2 as n' } }], outputs: ['a'], folder });
    const { report } = await run({ blocks: [copy('b', 'a')], inputs: ['a'], folder });
    expect(report.sample?.rows).toEqual([['2']]);
  });

  test('leave nothing behind when making them fails', async () => {
    const { report, folder } = await run({
      blocks: [{ name: 'a', transform: { sql: "select error('boom') as n" } }],
      outputs: ['a'],
    });
    expect(report).toMatchObject({ outcome: 'Failed', error: { block: 'a' } });
    expect(await readdir(join(folder, 'artifacts'))).toEqual([]);
  });
});

describe('an export', () => {
  async function exporting(checks: CompiledBlock['checks'], more: BlockInput[] = []) {
    const database = await createTestDatabase();
    const client = new pg.Client(database.url);
    await client.connect();
    try {
      const ran = await run({
        blocks: [
          numbers(),
          { ...copy('odd', 'numbers', checks), transform: { sql: 'select n, m from numbers where n % 2 = 1' } },
          {
            name: 'warehouse',
            from: ['odd'],
            export: { postgres: { connection: 'warehouse', table: 'lake.odd', write: { mode: 'append' } } },
          },
          ...more,
        ],
        connections: { warehouse: postgresConnection(database.url) },
      });
      const { rows: found } = await client
        .query('select count(*)::int as count, sum(n)::int as sum from lake.odd')
        .catch(() => ({ rows: [null] }));
      return { ...ran, table: found[0] };
    } finally {
      await client.end();
      await database.drop();
    }
  }

  test('writes what streams to it, with checks and sample taken on the way', async () => {
    const { report, block, table } = await exporting([{ expect: 'n % 2 = 1' }]);
    expect(report).toMatchObject({
      outcome: 'Succeeded',
      sample: { block: 'odd', columns: [{ name: 'n' }, { name: 'm' }] },
    });
    expect(report.sample?.rows).toHaveLength(10);
    expect(table).toEqual({ count: 5000, sum: 25_000_000 });
    expect(block('warehouse')).toMatchObject({ kind: 'export.postgres', rows: 5000, bytes: expect.any(Number) });
    expect(block('odd')).toMatchObject({ rows: null, checks: [{ passed: true }] });
  });

  test('commits nothing when a check fails in the last row', async () => {
    const { report, block, table } = await exporting([{ expect: 'n < 9999' }]);
    expect(report).toMatchObject({ outcome: 'Failed', reason: 'CheckFailed', error: { block: 'odd' } });
    expect(report.error?.message).toContain('failed for 1 of 5,000 rows');
    expect(block('odd').checks).toMatchObject([{ failedRows: 1 }]);
    expect(table).toEqual({ count: 0, sum: null });
  });

  test('commits nothing when making the last row fails', async () => {
    const failing = {
      name: 'failing',
      from: ['numbers'],
      transform: { sql: "select if(n = 9999, error('late'), n::text) as n from numbers" },
    };
    const { report } = await exporting(
      [],
      [
        failing,
        {
          name: 'other',
          from: ['failing'],
          export: { postgres: { connection: 'warehouse', table: 'lake.failing', write: { mode: 'append' } } },
        },
      ],
    );
    expect(report).toMatchObject({ outcome: 'Failed', reason: 'TransformFailed', error: { block: 'failing' } });
    expect(report.error?.message).toContain('late');
  });

  test('takes a relation that a second block reads as well', async () => {
    const { report, block, table } = await exporting(
      [{ expect: 'n % 2 = 1' }, { sql: 'select * from odd where n < 0' }],
      [{ name: 'first_ten', from: ['odd'], transform: { sql: 'select * from odd order by n limit 10' } }],
    );
    expect(report).toMatchObject({ outcome: 'Succeeded', sample: { block: 'first_ten' } });
    expect(table).toEqual({ count: 5000, sum: 25_000_000 });
    expect(block('odd')).toMatchObject({ rows: 5000, checks: [{ passed: true }, { passed: true }] });
  });

  test('to a server that is not there fails in one sentence', async () => {
    const { report } = await run({
      blocks: [
        numbers(),
        {
          name: 'warehouse',
          from: ['numbers'],
          export: { postgres: { connection: 'warehouse', table: 't', write: { mode: 'append' } } },
        },
      ],
      connections: { warehouse: { postgres: { host: '127.0.0.1', port: 9, database: 'd', user: 'u' } } },
    });
    expect(report).toMatchObject({ reason: 'ConnectionFailed', error: { block: 'warehouse', line: 20 } });
    expect(report.error?.message).toMatch(
      /^block "warehouse": connection "warehouse": nothing listens at 127.0.0.1:9;/,
    );
  });
});

describe('a task', () => {
  test('that is cancelled before it begins does nothing', async () => {
    const { report } = await run({ blocks: [numbers()], signal: AbortSignal.abort() });
    expect(report).toMatchObject({ outcome: 'Cancelled', reason: 'CancelledByRequest', blocks: [{ rows: null }] });
  });

  test('that computes for ever is ended by its timeout', async () => {
    const sql = 'select count(*) as n from range(1000000000) a, range(1000000000) b where a.range * b.range = -1';
    const { report } = await run({ blocks: [{ name: 'a', transform: { sql } }], timeoutMs: 300 });
    expect(report).toMatchObject({ outcome: 'Failed', reason: 'TimedOut' });
  });

  test('spills what does not fit into its memory', async () => {
    const sql =
      'select i, repeat(md5(i::text), 4) as t from range(2000000) r(i) order by md5(t) limit 1 offset 1999999';
    const { report } = await run({ blocks: [{ name: 'a', transform: { sql } }] });
    expect(report).toMatchObject({ outcome: 'Succeeded' });
  });

  test('reads inline rows with the types of their values', async () => {
    const { report } = await run({
      blocks: [
        {
          name: 'a',
          load: rows(
            { i: 1, d: 1.5, b: true, s: '{{ label }}', t: '{{ year }}', only: null },
            { i: 9007199254740991, d: 2, b: null, s: 'x', t: 7 },
          ),
        },
      ],
      variables: { label: 'L', year: 2019 },
    });
    expect(report.sample).toMatchObject({
      columns: [
        { type: 'BIGINT' },
        { type: 'DOUBLE' },
        { type: 'BOOLEAN' },
        { type: 'VARCHAR' },
        { type: 'BIGINT' },
        { type: 'VARCHAR' },
      ],
      rows: [
        ['1', '1.5', 'true', 'L', '2019', null],
        ['9007199254740991', '2', null, 'x', '7', null],
      ],
    });
  });

  test('refuses inline rows that mix kinds of values', async () => {
    const { report } = await run({ blocks: [{ name: 'a', load: rows({ v: 1 }, { v: 'x' }) }] });
    expect(report).toMatchObject({ reason: 'InvalidInput', error: { block: 'a' } });
    expect(report.error?.message).toMatch(/^block "a": column "v" holds both number and string; /);
  });
});
