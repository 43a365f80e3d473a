/** What there is of the windows that a run waits for. */
export type WaitState = {
  /** Whether windows that ended well cover all of it. */
  readonly isOver: boolean;
  /** Whether one of them ended otherwise, and nothing has mended it. */
  readonly hasFailed: boolean;
  readonly giveUpAt: Date;
};

/**
 * What becomes of a run that waits. Until the longest wait has passed, a failure of what it waits for is no reason to give up, since a
 * rerun may mend it.
 */
export function judgeWaits(waits: readonly WaitState[], now: Date): 'over' | 'waits' | 'UpstreamFailed' | 'TimedOut' {
  const open = waits.filter((wait) => !wait.isOver);
  if (open.length === 0) return 'over';
  const given = open.filter((wait) => wait.giveUpAt <= now);
  if (given.length === 0) return 'waits';
  return given.some((wait) => wait.hasFailed) ? 'UpstreamFailed' : 'TimedOut';
}
