import type { Engine } from '../engine/engine.ts';
import type { Column } from '../engine/relation.ts';
import { statement } from '../engine/statement.ts';
import { quoteIdentifier } from '../engine/text.ts';

/** Creates the empty table `stored.NAME`. */
export async function createTable(engine: Engine, name: string, columns: readonly Column[]): Promise<void> {
  const list = columns.map((column) => `${quoteIdentifier(column.name)} ${column.type}`);
  await engine.run(statement(`create table stored.${quoteIdentifier(name)} (${list.join(', ')})`));
}
