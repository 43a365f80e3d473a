import type { DuckDBValue } from '@duckdb/node-api';
import type { Column } from '../engine/relation.ts';

/** What a load has read so far. `bytes`: as transferred; null where there is no transfer. */
export type LoadCounts = { bytes: number | null };

/** Where rows of a load come from, in the engine's terms. `query` is a SELECT without parameters. */
export type LoadSource = {
  readonly columns: readonly Column[];
  readonly query: string;
  readonly counts: LoadCounts;
  /** Absent where the query can be run at any time and any number of times. */
  readonly feed?: Feed;
};

/** Rows that arrive while a statement reads them: once. */
export interface Feed {
  /** Runs a statement that reads the rows to its end. Throws what went wrong with the load, before what the statement says of it. */
  during<T>(act: () => Promise<T>): Promise<T>;
}

/** A row of values for the engine, in the order of the columns. */
export type Row = readonly DuckDBValue[];
