import type { Reason } from '../schemas/generated/types.ts';

/** Where in the source a failure has its cause. Lines and columns count from 1. */
export type Place = { block?: string; file?: string; line?: number; column?: number };

/** A failure with a machine-readable reason; its message is one sentence for a person. Every part of the runner throws it. */
export class TaskFailure extends Error {
  readonly reason: Reason;
  readonly block?: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;

  constructor(reason: Reason, message: string, place: Place = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'TaskFailure';
    this.reason = reason;
    Object.assign(this, place);
  }
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Says of a failure in which block it happened, unless it says so itself. */
export function inBlock(error: unknown, block: string): unknown {
  if (!(error instanceof TaskFailure) || error.block !== undefined) return error;
  const { reason, message, file, line, column } = error;
  const place = {
    ...(file !== undefined && { file }),
    ...(line !== undefined && { line }),
    ...(column !== undefined && { column }),
  };
  return new TaskFailure(reason, `block "${block}": ${message}`, { block, ...place }, error.cause ?? error);
}
