import type { CsvSource } from '../loads/load.ts';
import type { Column } from './relation.ts';
import { type Statement, statement } from './statement.ts';
import { quoteIdentifier } from './text.ts';

/** Named rows: a query, and the relations that it names. */
export type Named = {
  readonly name: string;
  readonly query: Statement;
  readonly reads: readonly string[];
  readonly columns: readonly Column[];
  /** Present where the query is a CSV file that a load brings. */
  readonly csv: CsvSource | null;
  /** Whether it can be read again at no greater cost: a table or a file. */
  readonly isStored: boolean;
};

export function selectAll(name: string): Statement {
  return statement(`select * from ${quoteIdentifier(name)}`);
}

/** A query in which the names of `tables` stand for their queries, each of which may name those before it. */
export function withTables(tables: readonly Pick<Named, 'name' | 'query'>[], select: Statement): Statement {
  if (tables.length === 0) return select;
  const parts = tables.flatMap(({ name, query }) => [', ', `${quoteIdentifier(name)} as (`, query, ')']);
  return statement('with ', ...parts.slice(1), ' ', select);
}

/** The relations that lead to `names`, and these, each behind those it reads. */
export function upstream(names: readonly string[], known: ReadonlyMap<string, Named>): Named[] {
  const found = new Map<string, Named>();
  const visit = (name: string) => {
    const named = known.get(name);
    if (!named || found.has(name)) return;
    named.reads.forEach(visit);
    found.set(name, named);
  };
  names.forEach(visit);
  return [...found.values()];
}
