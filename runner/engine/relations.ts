import type { DuckDBDataChunk } from '@duckdb/node-api';
import { TaskFailure } from '../errors.ts';
import type { LoadSource } from '../loads/load.ts';
import type { Engine } from './engine.ts';
import type { Column } from './relation.ts';
import { type Fragment, type Statement, statement } from './statement.ts';
import { quoteIdentifier } from './text.ts';

/** Named rows in the engine: `body` is a query, and the names it reads are those of `reads`. */
type Named = { readonly body: Statement; readonly reads: readonly string[]; readonly load: LoadSource | null };

/**
 * The relations of a task. A relation is a query until it is stored; a statement over it is put together of all queries
 * that lead to it, as common table expressions, which the engine runs in one pass.
 *
 * `shape.NAME` is an empty table with the relation's columns: against these the SQL of later blocks is checked before
 * anything is read, with its inputs alone in sight.
 */
export interface Relations {
  columnsOf(name: string): readonly Column[];
  addLoad(name: string, load: LoadSource): Promise<void>;
  /** Rows of another task. */
  addQuery(name: string, query: string): Promise<void>;
  /** Checks the SQL against the shapes of what it reads. Throws `TransformFailed` with its place. */
  addSql(name: string, sql: Fragment, reads: readonly string[]): Promise<void>;
  /** Checks a statement over the relations `reads`, as `select` would put it together, without reading rows. */
  check(reads: readonly string[], select: Statement): Promise<void>;
  /** Whether reading it again and again gives the same rows at no greater cost. */
  isStored(name: string): boolean;
  /** Makes it a table; returns its count of rows. */
  store(name: string): Promise<number>;
  /** Makes it the rows of `query` from now on, which are the same rows. */
  replace(name: string, query: string): void;
  /** Runs a statement whose tables are the relations `reads`; the result counts what it changed. */
  run(reads: readonly string[], wrap: (select: Statement) => Statement, select: Statement): Promise<number>;
  /** Rows of a query over the relation `name`, while they are made. Returns the rows that its loads gave, where known. */
  stream(name: string, select: Statement): AsyncGenerator<DuckDBDataChunk, Map<string, number>>;
}
