import type { LineMark } from './lines.ts';

/** How far the log of an attempt is kept. */
export type LogState = {
  /** Whether the outcome of the attempt is kept. */
  readonly settled: boolean;
  /** Bytes that were ever added. Whoever adds names the size that it saw, so of two that add the same one does. */
  readonly size: number;
  /** Sources that are kept to their end. */
  readonly endedSources: readonly string[];
  /** The source after them, and its last line that is kept. */
  readonly source: string | null;
  readonly mark: LineMark | null;
  /** Nothing more will be added; `incomplete` when there was more, and it could not be read. */
  readonly closed: boolean;
  readonly incomplete: boolean;
};

export type KeptLog = { readonly source: string; readonly text: string } | { readonly droppedBytes: number };

/** Where the logs of attempts are kept for when their pods are gone. */
export interface LogArchive {
  /** Of the attempts that the ledger knows. */
  states(attemptIds: readonly string[]): Promise<ReadonlyMap<string, LogState>>;
  /** Returns the new size; null when the log is no longer of the size `at`. `text`: whole lines, each begun by its time. */
  append(
    attemptId: string,
    piece: { at: number; source: string; text: string; mark: LineMark },
  ): Promise<number | null>;
  /** False when the log is no longer of the size `at`. */
  endSource(attemptId: string, piece: { at: number; source: string }): Promise<boolean>;
  close(attemptId: string, options: { incomplete: boolean }): Promise<void>;
  read(attemptId: string): AsyncIterable<KeptLog>;
}
