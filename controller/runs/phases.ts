import type { AttemptPhase, Phase, TaskPhase } from '../../schemas/generated/types.ts';

/**
 * The state machines, one table each: from phase to the phases that may follow. Whatever is missing here is illegal, and
 * `store` writes every phase guarded by the phase it comes from.
 */
export const runTransitions: Record<Phase, readonly Phase[]> = {
  Queued: ['Running', 'Failed', 'Cancelled', 'Skipped'],
  Running: ['Succeeded', 'Failed', 'Cancelled', 'Skipped'],
  Succeeded: [],
  Failed: [],
  Cancelled: [],
  Skipped: [],
};

export const taskTransitions: Record<TaskPhase, readonly TaskPhase[]> = {
  Pending: ['Ready', 'Succeeded', 'Skipped', 'Cancelled', 'Failed'],
  Ready: ['Running', 'Cancelled'],
  Running: ['Ready', 'Succeeded', 'Failed', 'Cancelled'],
  Succeeded: [],
  Failed: [],
  Cancelled: [],
  Skipped: [],
};

export const attemptTransitions: Record<AttemptPhase, readonly AttemptPhase[]> = {
  Claimed: ['Running', 'Succeeded', 'Failed', 'Lost', 'Cancelled'],
  Running: ['Succeeded', 'Failed', 'Lost', 'Cancelled'],
  Succeeded: [],
  Failed: [],
  Lost: [],
  Cancelled: [],
};

export function isSettled(phase: Phase | TaskPhase): boolean {
  return phase === 'Succeeded' || phase === 'Failed' || phase === 'Cancelled' || phase === 'Skipped';
}
