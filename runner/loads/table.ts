import type { Engine } from '../engine/engine.ts';
import { statement } from '../engine/statement.ts';
import { quoteIdentifier } from '../engine/text.ts';

/** Creates the empty table `stored.NAME`; types are DuckDB's texts. */
export async function createTable(
  engine: Engine,
  name: string,
  columns: readonly { name: string; type: string }[],
): Promise<void> {
  const list = columns.map((column) => `${quoteIdentifier(column.name)} ${column.type}`);
  await engine.run(statement(`create table stored.${quoteIdentifier(name)} (${list.join(', ')})`));
}
