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
  /** What was read so far; `bytes` as transferred, null where nothing is. */
  readonly counts: { bytes: number | null };
  /** Says of an engine's failure what it means for what is loaded; null when it means nothing. */
  readonly explain?: (error: unknown) => TaskFailure | null;
  /** Absent where the query can be run at any time and any number of times. */
  readonly feed?: Feed;
};

/** Brings rows while a statement reads them: started before it, stopped when it has ended, once. */
export interface Feed {
  /** Returns when the first rows are there. */
  start(): Promise<void>;
  /** Ends whatever is still under way. Returns what went wrong with the load before that, else null. */
  stop(): Promise<unknown>;
}
