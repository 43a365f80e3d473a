import type { DuckDBDataChunk, DuckDBType } from '@duckdb/node-api';

/** A column of a relation. `type` is DuckDB's own text for it, such as `DECIMAL(10,2)`. */
export type Column = { readonly name: string; readonly type: string; readonly duckdbType: DuckDBType };

/**
 * Rows that are still being made. `chunks()` may be iterated once, at most 2,048 rows each; memory does not grow with
 * the input, because the engine only runs ahead of the reader by a small buffer. Iterating throws `TaskFailure`.
 *
 * A chunk may carry more columns than `columns` behind these: the marks of checks that are counted on the way.
 */
export interface Relation {
  /** The block whose rows these are. */
  readonly block: string;
  readonly columns: readonly Column[];
  chunks(): AsyncIterable<DuckDBDataChunk>;
}
