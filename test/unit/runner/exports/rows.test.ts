import { expect, test } from 'vitest';
import { createRowEncoder, type RowColumn } from '../../../../runner/exports/copy/rows.ts';
import { writerFor } from '../../../../runner/exports/types.ts';
import { relationOf } from './support.ts';

const types: Record<string, string> = { VARCHAR: 'text', INTEGER: 'int4', BLOB: 'bytea' };

async function encodeAll(sql: string, keep?: (rows: number) => Uint8Array): Promise<Uint8Array[]> {
  const relation = await relationOf(sql);
  const encode = createRowEncoder(
    relation.columns.map(({ name, duckdbType: type }, index): RowColumn => {
      const writer = writerFor(type, { name: types[String(type)]!, oid: 0, digits: null, element: null });
      return { name, index, type, writer: writer! };
    }),
    Buffer.alloc,
  );
  const buffers: Uint8Array[] = [];
  for await (const chunk of relation.chunks()) buffers.push(...encode(chunk, keep?.(chunk.rowCount)));
  return buffers;
}

/** Reads rows back as Postgres would; null is null. */
function decode(buffers: Uint8Array[]): (string | null)[][] {
  const bytes = Buffer.concat(buffers);
  const rows: (string | null)[][] = [];
  for (let at = 0; at < bytes.length; ) {
    const row: (string | null)[] = [];
    const fields = bytes.readInt16BE(at);
    at += 2;
    for (let field = 0; field < fields; field++) {
      const length = bytes.readInt32BE(at);
      at += 4;
      row.push(length < 0 ? null : bytes.toString('utf8', at, at + length));
      at += Math.max(length, 0);
    }
    rows.push(row);
  }
  return rows;
}

test('strings of all lengths, in place and elsewhere, come out in their rows', async () => {
  const decoded = decode(
    await encodeAll(
      `select repeat('é', (i % 70)::integer) || i as s, case when i % 3 = 0 then null else 'x' || i end as t from range(5000) r(i)`,
    ),
  );
  expect(decoded).toHaveLength(5000);
  decoded.forEach(([s, t], i) => {
    expect(s).toBe('é'.repeat(i % 70) + i);
    expect(t).toBe(i % 3 === 0 ? null : `x${i}`);
  });
});

test('strings that do not lie one after the other come out in their rows', async () => {
  const decoded = decode(
    await encodeAll(
      `select s from (select i, 'a string that is long enough ' || i as s from range(4000) r(i)) order by hash(i)`,
    ),
  );
  expect(new Set(decoded.map(([s]) => s))).toEqual(
    new Set(Array.from({ length: 4000 }, (_, i) => `a string that is long enough ${i}`)),
  );
});

test('the same long string in all rows comes out in all rows', async () => {
  const decoded = decode(await encodeAll(`select 'a constant that is long enough' as s from range(3000)`));
  expect(new Set(decoded.map(([s]) => s))).toEqual(new Set(['a constant that is long enough']));
  expect(decoded).toHaveLength(3000);
});

test('rows of large values go into several buffers, each of whole rows and not much over 1 MiB', async () => {
  const buffers = await encodeAll(`select repeat('x', 100_000) || i as s from range(100) r(i)`);
  expect(buffers.length).toBeGreaterThan(5);
  for (const buffer of buffers) expect(buffer.length).toBeLessThan(1_300_000);
  expect(buffers.flatMap((buffer) => decode([buffer])).map(([s]) => s?.slice(100_000))).toEqual(
    Array.from({ length: 100 }, (_, i) => String(i)),
  );
});

test('rows that are not wanted are left out, however long they are', async () => {
  const keep = (rows: number) => Uint8Array.from({ length: rows }, (_, row) => (row % 5 === 4 ? 1 : 0));
  const decoded = decode(
    await encodeAll(
      `select case when i % 5 = 4 then 'kept ' || i else repeat('long', 50) end as s, i::integer as n from range(1000) r(i)`,
      keep,
    ),
  );
  expect(decoded.map(([s]) => s)).toEqual(Array.from({ length: 200 }, (_, i) => `kept ${i * 5 + 4}`));
  expect(decode(await encodeAll('select i::integer as n from range(10) r(i)', (rows) => new Uint8Array(rows)))).toEqual(
    [],
  );
});
