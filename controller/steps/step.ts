export const stepNames = [
  'sync',
  'intake',
  'schedule',
  'admit',
  'launch',
  'observe',
  'advance',
  'archive',
  'receive',
  'publish',
  'retain',
  'announce',
] as const;
export type StepName = (typeof stepNames)[number];

/**
 * How a pass ended. `done`: nothing left, look again after `afterMs` (or the step's own interval) or when woken. `again`: more
 * of the same is waiting. `waiting`: something else must come first. `stalled`: a person must act. What a step throws is
 * none of these: the loop logs it and tries again with growing waits.
 */
export type PassResult =
  | { readonly kind: 'done'; readonly afterMs?: number }
  | { readonly kind: 'again' }
  | { readonly kind: 'waiting'; readonly reason: string; readonly afterMs: number }
  | { readonly kind: 'stalled'; readonly reason: string };

export interface Step {
  readonly name: StepName;
  /** How often it looks by itself, in ms. */
  readonly everyMs: number;
  pass(signal: AbortSignal): Promise<PassResult>;
  /** Resolves when nothing that a pass has begun goes on. */
  finish?(): Promise<void>;
}

/** Steps never call each other; this wakes the next one early. */
export type Wake = (...steps: StepName[]) => void;

export const done = (afterMs?: number | null): PassResult =>
  afterMs === undefined || afterMs === null ? { kind: 'done' } : { kind: 'done', afterMs };
export const again: PassResult = { kind: 'again' };
