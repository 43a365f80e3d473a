import type pg from 'pg';
import type { OrderWindow } from '../../schemas/generated/types.ts';
import type { Relation } from '../engine/relation.ts';
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
  relation: Relation;
  target: Target;
  plan: WritePlan;
  window: OrderWindow | null;
  progress: (sent: Sent) => void;
};

/** Sends all rows by binary COPY. Throws `OutsideWindow` when rows lie outside and may not be dropped. */
export async function copyRows(options: CopyOptions): Promise<Sent> {
  const { relation, plan, progress } = options;
  const rowColumns = rowColumnsOf(options);
  const names = rowColumns.map(({ name }) => quote(name));
  const copy = openCopy(options.client, options.into, names);
  const encode = createRowEncoder(rowColumns, copy.allocate);
  const sent: Sent = { rows: 0, bytes: 0 };
  for await (const chunk of relation.chunks()) {
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
  if (refusesOutside(plan)) throw outsideWindow(plan, options.window);
  return { rows: await copy.end(), bytes: sent.bytes };
}

function rowColumnsOf({ target, plan: { tag } }: CopyOptions): RowColumn[] {
  const fromRows = target.columns.map(({ column, writer }, index): RowColumn => {
    return { name: column.name, index, type: column.duckdbType, writer };
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
