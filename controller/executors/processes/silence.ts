/**
 * Tells when a runner that lives has not beaten for `silenceMs`, by looks at its counter. Between two looks at most
 * `largestGapMs` counts: what stopped the controller itself (a suspended laptop, a frozen machine) stopped the runner too.
 */
export function createSilence(options: { silenceMs: number; largestGapMs: number }) {
  const seen = new Map<string, { beat: string | null; at: number; silentMs: number }>();
  return {
    /** `now` in ms of a clock that only goes forward. */
    isSilent(attemptId: string, beat: string | null, now: number): boolean {
      const last = seen.get(attemptId);
      const silentMs = last && last.beat === beat ? last.silentMs + Math.min(now - last.at, options.largestGapMs) : 0;
      seen.set(attemptId, { beat, at: now, silentMs });
      return silentMs >= options.silenceMs;
    },
    forget(attemptId: string): void {
      seen.delete(attemptId);
    },
  };
}

export type Silence = ReturnType<typeof createSilence>;
