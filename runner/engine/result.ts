import {
  type DuckDBConnection,
  type DuckDBDataChunk,
  type DuckDBResult,
  type DuckDBResultReader,
  type DuckDBType,
  ResultReturnType,
} from '@duckdb/node-api';
import type { CollectYoung } from '../collector.ts';
import type { Column } from './relation.ts';

/**
 * Rows that stream end without a word when making the next of them fails: the binding hands on neither the error nor that there
 * was one. Only the result's type is gone then. Whoever wants to know more must run the query in another way.
 */
export class BrokenStream extends Error {}

/** Chunks that may wait to be freed: about 10 MB. */
const chunksPerCollection = 32;

/** The chunks of a streamed result; each is asked for while the one before is worked on. Throws `BrokenStream`. */
export async function* resultChunks(
  result: DuckDBResult,
  fetch: () => Promise<DuckDBDataChunk | null>,
  collect: CollectYoung,
): AsyncGenerator<DuckDBDataChunk, void> {
  const ask = () => {
    const chunk = fetch();
    // Whoever reads may leave, and then nobody hears how this ends.
    chunk.catch(() => {});
    return chunk;
  };
  let next = ask();
  for (let count = 1; ; count++) {
    const chunk = await next;
    // A streamed result ends with an empty chunk, and gives it again and again.
    if (!chunk || chunk.rowCount === 0) break;
    next = ask();
    yield chunk;
    if (count % chunksPerCollection === 0) collect();
  }
  if (result.returnType === ResultReturnType.INVALID) throw new BrokenStream('the stream of rows broke off');
}

export function resultColumns(result: DuckDBResult): Column[] {
  const types = result.columnTypes();
  return result.columnNames().map((name, index) => {
    const duckdbType = types[index];
    if (!duckdbType) throw new TypeError(`column ${index} has no type`);
    return { name, type: typeText(duckdbType), duckdbType };
  });
}

/** JSON is a VARCHAR by another name. */
function typeText(type: DuckDBType): string {
  return type.alias ?? String(type);
}

/** The columns of a query, which is not run. */
export async function preparedColumns(connection: DuckDBConnection, sql: string): Promise<Column[]> {
  const prepared = await connection.prepare(sql);
  try {
    return Array.from({ length: prepared.columnCount }, (_, index) => {
      const duckdbType = prepared.columnType(index);
      return { name: prepared.columnName(index), type: typeText(duckdbType), duckdbType };
    });
  } finally {
    prepared.destroySync();
  }
}

/** Rows that a statement wrote: all such statements return one row with a count, and `rowsChanged` knows only some of them. */
export function changedRows(result: DuckDBResultReader): number {
  return result.columnName(0) === 'Count' ? Number(result.getRows()[0]?.[0] ?? 0) : 0;
}
