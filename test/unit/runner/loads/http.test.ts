import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { CompiledBlock } from '../../../../schemas/generated/types.ts';
import { run } from '../support.ts';
import { type Answer, breakOff, serve, serveRaw } from './http-server.ts';

type Csv = NonNullable<NonNullable<NonNullable<CompiledBlock['load']>['format']>['csv']>;

const columns = { id: 'INTEGER', name: 'VARCHAR', amount: 'DOUBLE' };

function file(url: string, csv: Csv = { columns }): { name: string; load: NonNullable<CompiledBlock['load']> } {
  return { name: 'file', load: { http: { url }, format: { csv } } };
}

/** A text of so many rows, larger than any buffer on the way. */
function csvOf(rows: number): string {
  const lines = Array.from({ length: rows }, (_, id) => `${id},"name, ${id}",${id / 4}`);
  return `id,name,amount\n${lines.join('\n')}\n`;
}

const text =
  (body: string | Buffer): Answer =>
  (response) =>
    response.end(body);

describe('a CSV file with declared columns', () => {
  test('is typed as declared, and an empty field is null', async () => {
    const { url } = await serve(text('\uFEFFid,name,amount\r\n1,"a ""quoted"", name",1.5\r\n2,,\r\n3,"",-2\r\n'));
    const { report, block } = await run({ blocks: [file(`${url}/a.csv`)] });
    expect(report.sample).toEqual({
      block: 'file',
      columns: [
        { name: 'id', type: 'INTEGER' },
        { name: 'name', type: 'VARCHAR' },
        { name: 'amount', type: 'DOUBLE' },
      ],
      rows: [
        ['1', 'a "quoted", name', '1.5'],
        ['2', null, null],
        ['3', null, '-2'],
      ],
    });
    expect(block('file')).toMatchObject({ kind: 'load.http', rows: 3 });
  });

  test('streams through SQL, and its rows and bytes are counted', async () => {
    const body = gzipSync(csvOf(300_000));
    const { url } = await serve(text(body));
    const { report, block } = await run({
      blocks: [
        file(`${url}/a.csv.gz`),
        { name: 'even', from: ['file'], transform: { sql: 'select id, amount from file where id % 2 = 0' } },
        { name: 'total', from: ['even'], transform: { sql: 'select count(*) as n, sum(amount) as amount from even' } },
      ],
    });
    expect(report).toMatchObject({ outcome: 'Succeeded' });
    expect(report.sample?.rows).toEqual([['150000', String((149_999 * 150_000) / 4)]]);
    expect(block('file')).toMatchObject({ rows: 300_000, bytes: body.length, durationMs: null });
    expect(block('even')).toMatchObject({ rows: null, durationMs: null });
    expect(block('total')).toMatchObject({ rows: 1 });
  });

  test.each([
    ['twice', 'select a.id from file a join file b on a.id = b.id + 1'],
    [
      'twice below another name',
      'with x as (select * from file) select * from x a, (select max(id) as id from x) b where a.id = b.id',
    ],
    ['never', 'select 1 as id'],
    ['only for its count', 'select count(*) as id from file'],
    ['in part', 'select * from file limit 3'],
  ])('can be read %s by one query', async (_, sql) => {
    const { url } = await serve(text(csvOf(50_000)));
    const { report } = await run({ blocks: [file(`${url}/a.csv`), { name: 'b', from: ['file'], transform: { sql } }] });
    expect(report).toMatchObject({ outcome: 'Succeeded' });
  });

  test('can be joined with another that arrives at the same time', async () => {
    const { url } = await serve(text(csvOf(20_000)));
    const { report, block } = await run({
      blocks: [
        file(`${url}/a.csv`),
        { ...file(`${url}/b.csv`), name: 'other' },
        {
          name: 'b',
          from: ['file', 'other'],
          transform: { sql: 'select count(*) as n from file join other using (id)' },
        },
      ],
    });
    expect(report.sample?.rows).toEqual([['20000']]);
    expect(block('other')).toMatchObject({ rows: 20_000 });
  });

  test('can be read by several blocks', async () => {
    const { url, requests } = await serve(text(csvOf(20_000)));
    const { report, block } = await run({
      blocks: [
        file(`${url}/a.csv`),
        { name: 'low', from: ['file'], transform: { sql: 'select * from file where id < 10' } },
        { name: 'high', from: ['file'], transform: { sql: 'select * from file where id >= 10' } },
      ],
    });
    expect(report.outcome).toBe('Succeeded');
    expect([block('low').rows, block('high').rows]).toEqual([10, 19_990]);
    expect(requests).toHaveLength(1);
  });

  test('may have no rows', async () => {
    const { url } = await serve(text('id,name,amount\n'));
    const { block } = await run({ blocks: [file(`${url}/a.csv`)] });
    expect(block('file').rows).toBe(0);
  });

  test('takes another delimiter and another text for null', async () => {
    const { url } = await serve(text('id;name;amount\n1;NA;1\n'));
    const { report } = await run({ blocks: [file(`${url}/a.csv`, { columns, delimiter: ';', nullValue: 'NA' })] });
    expect(report.sample?.rows).toEqual([['1', null, '1']]);
  });

  test.each([
    ['another name', 'id,nme,amount\n', 'column 2 should be "name" and is "nme"'],
    ['another order', 'name,id,amount\n', 'column 1 should be "id" and is "name"'],
    ['a column too many', 'id,name,amount,more\n', 'column 4 should be no further column and is "more"'],
    ['a column too few', 'id,name\n', 'column 3 should be "amount" and is missing'],
    ['nothing at all', '', 'the file is empty'],
  ])('is refused when its header has %s', async (_, body, fact) => {
    const { url } = await serve(text(body));
    const { report } = await run({ blocks: [file(`${url}/a.csv`)] });
    expect(report).toMatchObject({ outcome: 'Failed', reason: 'InvalidInput', error: { block: 'file' } });
    expect(report.error?.message).toContain(fact);
  });

  test.each([
    [
      'a value of another type',
      '2,x,much',
      /line 3 of http:.*\/a\.csv: column "amount": "much" cannot be read as DOUBLE/,
    ],
    ['a field too few', '2,x', /line 3 of http:.*: 2 fields where 3 columns are declared/],
    ['a field too many', '2,x,1,9', /line 3 of http:.*: 4 fields where 3 columns are declared/],
    ['a quote that does not end', '2,"x,1', /line 3 of http:.*: a quoted value does not end/],
  ])('is refused with the line that has %s', async (_, line, message) => {
    const { url } = await serve(text(`id,name,amount\n1,a,1\n${line}\n`));
    const { report } = await run({
      blocks: [
        file(`${url}/a.csv?token=secret`),
        { name: 'b', from: ['file'], transform: { sql: 'select * from file' } },
      ],
    });
    expect(report).toMatchObject({ reason: 'InvalidInput', error: { block: 'file', file: 'pipeline.yaml', line: 10 } });
    expect(report.error?.message).toMatch(message);
    expect(report.error?.message).not.toContain('secret');
  });

  test('tells the line of a bad value also far into the file', async () => {
    const { url } = await serve(text(`${csvOf(200_000)}x,y,z\n`));
    const { report } = await run({ blocks: [file(`${url}/a.csv`)] });
    expect(report.error?.message).toMatch(/line 200002 of .*: column "id": "x" cannot be read as INTEGER/);
  });

  test('says which type it does not know', async () => {
    const { report } = await run({ blocks: [file('http://127.0.0.1:9/a.csv', { columns: { id: 'INTEGR' } })] });
    expect(report.error).toMatchObject({ block: 'file' });
    expect(report.error?.message).toContain('Type with name INTEGR does not exist');
  });
});

describe('a CSV file without declared columns', () => {
  test('gets the types of its first rows', async () => {
    const { url } = await serve(text(gzipSync('day,n,text\n2019-01-31,1,a\n2019-02-01,,\n')));
    const { report, block } = await run({ blocks: [file(`${url}/a.csv.gz`, {})] });
    expect(report.sample).toMatchObject({
      columns: [{ type: 'DATE' }, { type: 'BIGINT' }, { type: 'VARCHAR' }],
      rows: [
        ['2019-01-31', '1', 'a'],
        ['2019-02-01', null, null],
      ],
    });
    expect(block('file').rows).toBe(2);
  });

  test('is invalid where a later row has another type', async () => {
    const lines = Array.from({ length: 50_000 }, (_, id) => id).join('\n');
    const { url } = await serve(text(`id\n${lines}\nx\n`));
    const { report } = await run({ blocks: [file(`${url}/a.csv`, {})] });
    expect(report).toMatchObject({ reason: 'InvalidInput' });
    expect(report.error?.message).toMatch(/line 50002 of .*: column "id": "x" cannot be read as BIGINT/);
  });
});

describe('a load that fails in the middle', () => {
  test('fails its task, though the engine saw an end', async () => {
    const body = gzipSync(csvOf(300_000));
    const half = body.subarray(0, body.length / 2);
    const { url } = await serve((response) => response.writeHead(200, { 'content-length': half.length }).end(half));
    const { report, folder } = await run({
      blocks: [file(`${url}/a.csv.gz`), { name: 'b', from: ['file'], transform: { sql: 'select * from file' } }],
      outputs: ['b'],
    });
    expect(report).toMatchObject({ outcome: 'Failed', reason: 'InvalidInput', error: { block: 'file' } });
    expect(report.error?.message).toBe(
      'block "file": the gzip file is truncated: it ends in the middle; write it anew',
    );
    expect(await readdir(join(folder, 'artifacts'))).toEqual([]);
  });

  test('fails it also where the file has changed', async () => {
    const body = Buffer.from(csvOf(300_000));
    const { url } = await serve((response, _, count) =>
      breakOff(response, body, body.length / 2, { etag: `"${count}"` }),
    );
    const { report } = await run({ blocks: [file(`${url}/a.csv`)] });
    expect(report).toMatchObject({ outcome: 'Failed', reason: 'LoadFailed' });
    expect(report.error?.message).toMatch(/^block "file": the file changed while it was read/);
  });

  test('is cancelled while nothing comes', async () => {
    const controller = new AbortController();
    const url = await serveRaw((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n${csvOf(100_000)}`, () => controller.abort());
    });
    const { report } = await run({ blocks: [file(`${url}/a.csv`)], signal: controller.signal });
    expect(report).toMatchObject({ outcome: 'Cancelled', reason: 'CancelledByRequest' });
  });

  test('is ended by the timeout of its task', async () => {
    const url = await serveRaw((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n${csvOf(100_000)}`);
    });
    const { report } = await run({ blocks: [file(`${url}/a.csv`)], timeoutMs: 700 });
    expect(report).toMatchObject({ outcome: 'Failed', reason: 'TimedOut' });
    expect(report.error?.message).toBe(
      'the attempt took longer than its timeout of 0.7 s; raise the timeout, or give it less to do',
    );
  });

  test.each([5, 199_000])('is not read further when the SQL fails at row %i', async (row) => {
    const { url } = await serve(text(gzipSync(csvOf(200_000))));
    const sql = `select id,\n  case when id = ${row} then error('no ' || name) end as x\nfrom file`;
    const { report, folder } = await run({
      blocks: [file(`${url}/a.csv.gz`), { name: 'b', from: ['file'], transform: { sql } }],
    });
    expect(report).toMatchObject({ outcome: 'Failed', reason: 'TransformFailed', error: { block: 'b' } });
    expect(report.error?.message).toContain(`no name, ${row}`);
    expect(await readdir(join(folder, 'artifacts'))).toEqual([]);
  });
});

describe('what a load asks for', () => {
  test('is made of templates, of the connection, and of secrets', async () => {
    const { url, requests } = await serve(text('id,name,amount\n1,a,2\n'));
    const { report, log } = await run({
      blocks: [
        {
          name: 'file',
          use: 'load-month',
          parameters: { month: '{{ window.start.format("%Y-%m") }}', tries: 2 },
          parameterTypes: { month: { type: 'string' }, tries: { type: 'integer' } },
          load: {
            http: {
              url: 'trips/{{ month }}.csv?tries={{ tries }}',
              connection: 'files',
              headers: { 'X-Month': '{{ month }}' },
            },
            format: { csv: { columns } },
          },
        },
      ],
      connections: {
        files: {
          http: { url: `${url}/base`, headers: { Authorization: { secretKeyRef: { name: 'files', key: 'token' } } } },
        },
      },
      environment: { PIPEWRIGHT_SECRET_files__token: 'Bearer secret' },
      window: {
        start: '2019-02-01T00:00:00Z',
        end: '2019-03-01T00:00:00Z',
        previousStart: '2019-01-01T00:00:00Z',
        previousEnd: '2019-02-01T00:00:00Z',
        nextEnd: '2019-04-01T00:00:00Z',
        label: '2019-02',
      },
    });
    expect(report).toMatchObject({ outcome: 'Succeeded' });
    expect(requests[0]).toMatchObject({
      url: '/base/trips/2019-02.csv?tries=2',
      headers: { 'x-month': '2019-02', authorization: 'Bearer secret' },
    });
    expect(log.join('\n')).not.toContain('secret');
  });

  test('is told in one sentence when a name in it is not known', async () => {
    const { report } = await run({ blocks: [file('http://127.0.0.1/{{ nothing }}')] });
    expect(report).toMatchObject({ reason: 'ExpressionFailed', error: { block: 'file', file: 'pipeline.yaml' } });
    expect(report.error?.message).toMatch(/^block "file": url: /);
  });

  test('fails when its secret is not there', async () => {
    const { report } = await run({
      blocks: [{ name: 'file', load: { http: { url: 'a.csv', connection: 'files' }, format: { csv: { columns } } } }],
      connections: {
        files: { http: { url: 'http://127.0.0.1:9', headers: { a: { secretKeyRef: { name: 'x', key: 'y' } } } } },
      },
    });
    expect(report).toMatchObject({ reason: 'MissingSecret', error: { block: 'file' } });
  });
});
