import { endOf } from '../ended.ts';
import type { Sight } from '../judge.ts';
import type { Job } from '../kinds.ts';
import type { LogState } from './port.ts';
import { type Source, sourcesOf } from './sources.ts';

export type Move =
  /** The container has ended: read what is not kept yet. */
  | { readonly kind: 'read'; readonly source: Source }
  | { readonly kind: 'follow'; readonly source: Source }
  /** No more will come, and the outcome is kept: the Job may go. */
  | { readonly kind: 'close'; readonly incomplete: boolean }
  | { readonly kind: 'wait' };

/** What to do for the log of an attempt. `state` is null for one that the ledger does not know. Pure. */
export function nextMove(
  sight: Sight,
  state: LogState | null,
  options: {
    /** The time now, in ms since 1970. */
    now: number;
    /** Containers that end sooner are read once, when they have ended. */
    followAfterMs: number;
    /** So long after the end of its Job a log that could not be read is given up. */
    giveUpMs: number;
    /** Whether reading has failed so far. */
    hasFailed: boolean;
  },
): Move {
  const { now, followAfterMs, giveUpMs, hasFailed } = options;
  const jobEnd = sight.job ? finishedAt(sight.job) : null;
  const mayClose = jobEnd !== null && state?.settled !== false;
  if (mayClose && (state === null || state.closed)) return { kind: 'close', incomplete: false };
  if (state === null || state.closed) return { kind: 'wait' };
  const source = sourcesOf(sight.pods).find(
    (each) => each.state !== 'waiting' && !state.endedSources.includes(each.name),
  );
  if (!source) return mayClose ? { kind: 'close', incomplete: false } : { kind: 'wait' };
  if (mayClose && hasFailed && now - jobEnd > giveUpMs) return { kind: 'close', incomplete: true };
  if (source.state === 'ended' || jobEnd !== null) return { kind: 'read', source: { ...source, state: 'ended' } };
  return source.isLeaving || now - source.startedAt >= followAfterMs ? { kind: 'follow', source } : { kind: 'wait' };
}

/** When the Job made its last pod's end known, in ms since 1970; null while it goes on. */
function finishedAt(job: Job): number | null {
  const end = endOf(job);
  return end ? Date.parse(end.lastTransitionTime ?? '') || 0 : null;
}
