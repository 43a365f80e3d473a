import type { Engine } from '../engine/engine.ts';
import type { Column } from '../engine/relation.ts';
import type { TaskFailure } from '../errors.ts';

/** What a load is given beside its own fields. */
export type LoadContext = {
  readonly block: string;
  readonly engine: Engine;
  readonly scratch: string;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  readonly progress: (done: { bytes: number; totalBytes: number | null }) => void;
};

/** Where the rows of a load are, in the engine's terms. */
export type LoadSource = {
  readonly columns: readonly Column[];
  /** A SELECT without parameters. */
  readonly query: string;
  /** What was read so far. `rows` is null where only the statement that reads them will know; `bytes` are as transferred. */
  readonly counts: { rows: number | null; bytes: number | null };
  /** Present where the query is one scan of a CSV file. */
  readonly csv?: CsvSource;
};

export type CsvSource = {
  /** Says of an engine's failure what it means for the file; null when it means nothing. */
  readonly explain: (error: unknown) => TaskFailure | null;
  /** Absent where the query can be run at any time and any number of times. */
  readonly feed?: Feed;
};

/** Brings rows while a statement reads them. Each start brings all of them, from their source. */
export interface Feed {
  /** Returns when the first rows are there. */
  start(): Promise<RunningFeed>;
}

export interface RunningFeed {
  /** Ends whatever is still under way. Returns what went wrong with the load before that, else null. */
  stop(): Promise<unknown>;
}
