import type { CompiledBlock, TaskError, TaskOrder, TaskReport } from '../schemas/generated/types.ts';
import { messageOf, TaskFailure } from './errors.ts';
import { peakMemoryBytes } from './memory.ts';

/** How an attempt ended. */
export type Ending = Pick<TaskReport, 'outcome' | 'reason'> & { error?: TaskError };

/** What is thrown where an attempt is told to end by whoever started it. */
export function cancellation(): TaskFailure {
  return new TaskFailure('CancelledByRequest', 'the attempt was cancelled');
}

/** Makes an ending of what was thrown. A failure in a block without a place of its own is told at the block. */
export function endingOf(error: unknown, blocks: readonly CompiledBlock[]): Ending {
  if (!(error instanceof TaskFailure)) {
    return { outcome: 'Failed', reason: 'InternalError', error: { message: `the runner failed: ${messageOf(error)}` } };
  }
  const { reason, message, block, file, line, column } = error;
  const place = file === undefined ? blocks.find(({ name }) => name === block)?.origin : { file, line, column };
  const outcome = reason === 'CancelledByRequest' ? 'Cancelled' : 'Failed';
  return { outcome, reason, error: defined({ message, block, ...place }) };
}

function defined({
  message,
  block,
  file,
  line,
  column,
}: { [Key in keyof TaskError]: TaskError[Key] | undefined }): TaskError {
  return {
    message: message ?? '',
    ...(block !== undefined && { block }),
    ...(file !== undefined && { file }),
    ...(line !== undefined && { line }),
    ...(column !== undefined && { column }),
  };
}

/** A report of now. */
export function reportOf(
  order: TaskOrder,
  startedAt: Date,
  ending: Ending,
  found: Pick<TaskReport, 'blocks' | 'sample'> = { blocks: [], sample: null },
): TaskReport {
  const finishedAt = new Date();
  return {
    attemptId: order.attemptId,
    ...ending,
    startedAt: startedAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
    durationMs: Math.max(0, finishedAt.getTime() - startedAt.getTime()),
    peakMemoryBytes: peakMemoryBytes(),
    ...found,
    partial: false,
  };
}
