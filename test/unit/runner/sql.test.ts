import { describe, expect, test } from 'vitest';
import { rows, run } from './support.ts';

const numbers = { name: 'numbers', load: rows({ n: 1, text: 'one' }, { n: 2, text: null }) };

describe('a transform', () => {
  test('makes rows of the blocks that it reads', async () => {
    const { report, block } = await run({
      blocks: [
        numbers,
        { name: 'doubled', from: ['numbers'], transform: { sql: 'select 2 * n as n, text from numbers' } },
      ],
    });
    expect(report).toMatchObject({ outcome: 'Succeeded', reason: null });
    expect(report.sample).toEqual({
      block: 'doubled',
      columns: [
        { name: 'n', type: 'BIGINT' },
        { name: 'text', type: 'VARCHAR' },
      ],
      rows: [
        ['2', 'one'],
        ['4', null],
      ],
    });
    expect(block('numbers')).toMatchObject({ kind: 'load.inline', rows: 2 });
    expect(block('doubled')).toMatchObject({ kind: 'transform.sql', rows: 2 });
  });

  test('binds what stands in braces, so that text in a value is never SQL', async () => {
    const sql = 'select {{ evil }} as e, n from numbers where n = {{ n }}';
    const { report } = await run({
      blocks: [numbers, { name: 'found', from: ['numbers'], transform: { sql } }],
      variables: { evil: "'); drop table x; --", n: 2 },
    });
    expect(report.sample?.rows).toEqual([["'); drop table x; --", '2']]);
  });

  test('binds what containers upstream have put out, and fails with a sentence where that is not there', async () => {
    const found = { name: 'found', from: ['numbers'], transform: { sql: 'select {{ outputs.score.rows }} as rows' } };
    const upstream = { score: { rows: 41 } };
    expect((await run({ blocks: [numbers, found], upstream })).report.sample?.rows).toEqual([['41']]);
    const { report } = await run({ blocks: [numbers, found], upstream: { score: {} } });
    expect(report.reason).toBe('ExpressionFailed');
    expect(report.error?.message).toContain('block "score" has put out nothing and no "rows"');
  });

  test('keeps parameters of several blocks apart in one statement', async () => {
    const { report } = await run({
      blocks: [
        { name: 'a', transform: { sql: "select {{ 'a' }} as x, {{ 1 }} as y" } },
        { name: 'b', from: ['a'], transform: { sql: "select x || {{ 'b' }} as x, y + {{ 10 }} as y from a" } },
        { name: 'c', from: ['b'], transform: { sql: "select x || {{ 'c' }} || '$1' as x, y + {{ 100 }} as y from b" } },
      ],
    });
    expect(report.sample?.rows).toEqual([['abc$1', '111']]);
  });

  test('may end with a semicolon and a comment, and may begin with its own with', async () => {
    const sql =
      "-- first\nwith a as (select ';' as s, $$;$$ as t from numbers)\nselect * from a limit 1; -- the end; really";
    const { report } = await run({ blocks: [numbers, { name: 'b', from: ['numbers'], transform: { sql } }] });
    expect(report.sample?.rows).toEqual([[';', ';']]);
  });

  test('reads the same relation in several places', async () => {
    const sql = 'select count(*) as n from numbers a, numbers b where a.n > (select min(n) from numbers)';
    const { report } = await run({ blocks: [numbers, { name: 'b', from: ['numbers'], transform: { sql } }] });
    expect(report.sample?.rows).toEqual([['2']]);
  });

  test('sees only the blocks that it names in from', async () => {
    const { report } = await run({
      blocks: [
        numbers,
        { name: 'other', load: rows({ n: 3 }) },
        { name: 'b', from: ['other'], transform: { sql: 'select * from numbers' } },
      ],
    });
    expect(report).toMatchObject({ outcome: 'Failed', reason: 'TransformFailed', error: { block: 'b' } });
    expect(report.error?.message).toMatch(/^block "b": Table with name numbers does not exist/);
  });

  test('gives columns of one name names of their own, as the engine does', async () => {
    const { report } = await run({
      blocks: [
        { name: 'a', transform: { sql: 'select 1 as x, 2 as X' } },
        { name: 'b', from: ['a'], transform: { sql: 'select * from a' } },
      ],
    });
    expect(report.sample).toMatchObject({ columns: [{ name: 'x' }, { name: 'X_1' }], rows: [['1', '2']] });
  });

  test('reads time in the zone of the schedule', async () => {
    const sql = "select hour(timestamptz '2019-07-01 12:00:00+00') as h";
    const { report } = await run({ blocks: [{ name: 'b', transform: { sql } }], timeZone: 'America/New_York' });
    expect(report.sample?.rows).toEqual([['8']]);
  });
});

describe('an error in SQL', () => {
  test('is told with its place in the file', async () => {
    const sql = 'select\n  n,\n  {{ "a rather long value" }} as v, nope\nfrom numbers';
    const { report } = await run({
      blocks: [numbers, { name: 'b', from: ['numbers'], transform: { sql: { file: 'sql/b.sql' } } }],
      files: { 'sql/b.sql': sql },
    });
    expect(report.error).toMatchObject({ block: 'b', file: 'sql/b.sql', line: 3, column: 37 });
    expect(report.error?.message).toMatch(/^block "b": Referenced column "nope" not found/);
  });

  test('is told with its place in the text where that stands in a manifest', async () => {
    const { report } = await run({
      blocks: [numbers, { name: 'b', from: ['numbers'], transform: { sql: 'select n\nform numbers' } }],
    });
    expect(report.error).toMatchObject({ block: 'b', file: 'pipeline.yaml', line: 20, column: 5 });
    expect(report.error?.message).toContain('(line 2, column 6 of its SQL)');
  });

  test('that shows only with the rows names its block and place', async () => {
    const { report } = await run({
      blocks: [
        numbers,
        { name: 'a', from: ['numbers'], transform: { sql: 'select * from numbers' } },
        { name: 'b', from: ['a'], transform: { sql: { file: 'b.sql' } } },
        { name: 'c', from: ['b'], transform: { sql: 'select * from b' } },
      ],
      files: { 'b.sql': 'select n,\n cast(text as integer) as i\nfrom a' },
    });
    expect(report.error).toMatchObject({ block: 'b', file: 'b.sql', line: 2, column: 2 });
    expect(report.error?.message).toContain("Could not convert string 'one' to INT32");
  });

  test('in the last block is found before anything is read', async () => {
    const { report, block } = await run({
      blocks: [
        {
          name: 'file',
          load: { http: { url: 'http://127.0.0.1:9/never-asked.csv' }, format: { csv: { columns: { a: 'INTEGER' } } } },
        },
        { name: 'b', from: ['file'], transform: { sql: 'select missing from file' } },
      ],
    });
    expect(report).toMatchObject({ reason: 'TransformFailed', error: { block: 'b' } });
    expect(block('file').bytes).toBeNull();
  });

  test.each([
    ['several statements', 'select 1; select 2', 'has 2 statements'],
    ['a statement that writes', 'create table x as select 1', 'begins with "create"'],
    ['nothing', ' -- only a comment', 'is empty'],
  ])('says that %s cannot be a transform', async (_, sql, fact) => {
    const { report } = await run({ blocks: [{ name: 'b', transform: { sql } }] });
    expect(report).toMatchObject({ outcome: 'Failed', reason: 'TransformFailed', error: { block: 'b' } });
    expect(report.error?.message).toContain(fact);
  });
});
