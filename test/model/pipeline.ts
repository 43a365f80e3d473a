/** What a manifest of these histories says; times are milliseconds. */
export type Definition = {
  readonly every: Every;
  readonly catchUp: 'all' | 'latest';
  readonly maxActiveRuns: number;
  readonly suspend: boolean;
  /** Whatever else may change in a manifest: it makes another version. */
  readonly note: number;
};

const minuteMs = 60_000;
const lengths = { '30 minutes': 30 * minuteMs, hour: 60 * minuteMs, '2 hours': 120 * minuteMs } as const;
type Every = keyof typeof lengths;
export const everies = Object.keys(lengths) as Every[];

/** Where time begins: a boundary of every calendar here. */
export const startAt = Date.UTC(2025, 2, 1);

export type Stretch = { readonly start: number; readonly end: number };

/** All that the model knows: what Git says, what was synced of it, and what the schedule has cut so far. */
export type Model = {
  now: number;
  /** The latest that it has been: a clock may be set back. */
  latest: number;
  /** The folder's content; null where the manifest was taken away. */
  written: Definition | null;
  /** What it said last, there or not. */
  last: Definition;
  synced: Definition | null;
  cursor: number;
  readonly cut: Stretch[];
  readonly skipped: Stretch[];
  /** The latest instant that a request has asked for: up to it windows may exist that the schedule has not cut. */
  askedUntil: number;
};

export function createModel(written: Definition): Model {
  return {
    now: startAt,
    latest: startAt,
    written,
    last: written,
    synced: null,
    cursor: startAt,
    cut: [],
    skipped: [],
    askedUntil: startAt,
  };
}

/** A sync that was committed. A changed calendar takes over at the cursor, so the cursor is all there is to keep. */
export function sync(model: Model): void {
  model.synced = model.written;
}

/** A pass of the schedule that was committed: windows in whole multiples of their length, the first one however short. */
export function schedule(model: Model): void {
  const { synced, now } = model;
  if (!synced || synced.suspend) return;
  const length = lengths[synced.every];
  const due: Stretch[] = [];
  for (let start = model.cursor; ; ) {
    const end = (Math.floor(start / length) + 1) * length;
    if (end > now) break;
    due.push({ start, end });
    start = end;
  }
  const last = due.at(-1);
  if (!last) return;
  const missed = synced.catchUp === 'latest' && due.length > 1;
  if (missed) model.skipped.push({ start: model.cursor, end: last.start });
  model.cut.push(...(missed ? [last] : due));
  model.cursor = last.end;
}

/** The manifest in the form that the compiler reads. */
export function manifestOf({ every, catchUp, maxActiveRuns, suspend, note }: Definition): string {
  return `apiVersion: pipewright.dev/v1alpha1
kind: Pipeline
metadata: { name: a }
spec:
  description: number ${note}
  schedule: { every: ${every}, startAt: 2025-03-01, catchUp: ${catchUp} }
  maxActiveRuns: ${maxActiveRuns}
  suspend: ${suspend}
  retry: { limit: 1, initial: 1s }
  blocks:
    - name: one
      load: { inline: { rows: [{ n: 1 }] } }
    - name: two
      needs: [one]
      isolate: true
      load: { inline: { rows: [{ n: ${note} }] } }
`;
}
