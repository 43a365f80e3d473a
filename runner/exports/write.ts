import type { DuckDBDataChunk } from '@duckdb/node-api';
import type pg from 'pg';
import type { OrderWindow } from '../../schemas/generated/types.ts';
import type { Column, Relation } from '../engine/relation.ts';
import { TaskFailure } from '../errors.ts';
import { createRowEncoder, type RowColumn } from './copy/rows.ts';
import { openCopy } from './copy/stream.ts';
import { quote } from './names.ts';
import type { WritePlan } from './plan.ts';
import type { Target } from './target.ts';

export type Sent = { rows: number; bytes: number };

type CopyOptions = {
  client: pg.Client;
  /** Quoted. */
  into: string;
  columns: readonly Column[];
  target: Target;
  plan: WritePlan;
  window: OrderWindow | null;
  chunks: AsyncIterable<DuckDBDataChunk>;
  progress: (sent: Sent) => void;
};

/** Sends all rows by binary COPY. Throws `OutsideWindow` when rows lie outside and may not be dropped. */
export async function copyRows({
  client,
  into,
  columns,
  target,
  plan,
  window,
  chunks,
  progress,
}: CopyOptions): Promise<Sent> {
  const rowColumns = rowColumnsOf(columns, target, plan);
  const encode = createRowEncoder(rowColumns);
  const copy = openCopy(
    client,
    into,
    rowColumns.map(({ name }) => quote(name)),
  );
  const sent: Sent = { rows: 0, bytes: 0 };
  for await (const chunk of chunks) {
    const keep = plan.filter?.keep(chunk);
    // What will be refused is only counted to its end.
    if (refusesOutside(plan)) continue;
    for (const rows of encode(chunk, keep)) {
      await copy.write(rows);
      sent.bytes += rows.length;
    }
    sent.rows += chunk.rowCount;
    progress({ ...sent });
  }
  if (refusesOutside(plan)) throw outsideWindow(plan, window);
  return { rows: await copy.end(), bytes: sent.bytes };
}

function rowColumnsOf(columns: readonly Column[], { writers }: Target, { tag }: WritePlan): RowColumn[] {
  const fromRows = writers.map((writer, index): RowColumn => {
    const { name, duckdbType: type } = columns[index] as Column;
    return { name, index, type, writer };
  });
  return tag ? [...fromRows, { name: tag.name, constant: tag.value }] : fromRows;
}

function refusesOutside({ filter }: WritePlan): boolean {
  return filter !== null && !filter.drop && filter.outside().rows > 0;
}

function outsideWindow({ filter }: WritePlan, window: OrderWindow | null): TaskFailure {
  const { rows, example } = filter?.outside() ?? { rows: 0, example: '' };
  const fact = `${rows} ${rows === 1 ? 'row lies' : 'rows lie'} outside of window ${window?.label} by "${filter?.by}", the first at ${example}`;
  return new TaskFailure('OutsideWindow', `${fact}; leave them out in SQL, or set write.outside: drop`);
}

/** Rows on their way: `chunks` may be iterated once, `drop` gives up what was not taken. */
export type Rows = { chunks: AsyncIterable<DuckDBDataChunk>; drop(): Promise<void> };

/** Begins to make rows at once, and makes the next chunk while the one before is being sent. */
export function takeAhead(relation: Relation): Rows {
  const iterator = relation.chunks()[Symbol.asyncIterator]();
  const next = (): Promise<IteratorResult<DuckDBDataChunk>> => {
    const result = iterator.next();
    // Whoever awaits it is told; until then nobody may be there.
    result.catch(() => {});
    return result;
  };
  let ahead = next();
  async function* chunks(): AsyncGenerator<DuckDBDataChunk> {
    for (;;) {
      const { done, value } = await ahead;
      if (done) return;
      ahead = next();
      yield value;
    }
  }
  return {
    chunks: chunks(),
    async drop() {
      await iterator.return?.();
    },
  };
}
