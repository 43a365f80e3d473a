import type { PipelineFacts, Problem } from '../../schemas/generated/types.ts';
import type { TableWrite } from './tables.ts';

/** Anything of a compiled pipeline; undefined where it is not there. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value } | undefined;

/** One field, by its path in the compiled form: `schedule.delayMs`, `blocks.trips.load.http.url`. */
export type FieldChange = { readonly path: string; readonly before: Value; readonly after: Value };

/** A text of several lines, as a unified diff of three lines around each change. */
export type CodeChange = { readonly path: string; readonly diff: string };

export type Difference = { readonly fields: readonly FieldChange[]; readonly code: readonly CodeChange[] };

/** What a reviewer should look at twice. `backfill`: one that runs now, and would not end as it began. */
export type Warning = { readonly kind: 'destructive' | 'permission' | 'backfill'; readonly message: string };

export type PlannedWindow = { readonly start: Date; readonly end: Date; readonly label: string; readonly dueAt: Date };

/** What becomes of the schedule. `appear` and `vanish` compare the next windows as far as both sides reach. */
export type ScheduleChange = {
  readonly timeZone: string;
  /** The next ten of each side, by when they are due. */
  readonly before: readonly PlannedWindow[];
  readonly after: readonly PlannedWindow[];
  readonly appear: readonly PlannedWindow[];
  readonly vanish: readonly PlannedWindow[];
  /** Of a new pipeline: how many windows are due at its first sync, because of `startAt` and `catchUp`. */
  readonly dueAtOnce: number;
  /** Runs a day in the mean of the next 28 days. */
  readonly runsPerDay: { readonly before: number; readonly after: number };
};

export type PipelineChange = Difference & {
  readonly name: string;
  /** `broken`: it has problems in the head, so its last good version goes on. */
  readonly kind: 'added' | 'changed' | 'retired' | 'broken';
  readonly file: string;
  /** Null where the schedule stays as it is. */
  readonly schedule: ScheduleChange | null;
  /** Windows that have succeeded would be made otherwise by now. */
  readonly turnsStale: boolean;
  /** Then how many there are at most, by the calendar; null where only the ledger knows. */
  readonly closedWindows: number | null;
  /** Tables that a new one would write, or that a retired one no longer writes. */
  readonly tables: readonly TableWrite[];
  readonly maxActiveRuns: number;
  /** What the controller knows of it; absent where nobody asked one, or it knows nothing. */
  readonly facts?: PipelineFacts;
  readonly warnings: readonly Warning[];
  /** Shared manifests whose change reaches it: `Block load-trips`. */
  readonly through: readonly string[];
};

/** A changed Block, Connection or file, the pipelines that it changes, and the warnings that all of them have. */
export type SharedChange = Difference & {
  readonly name: string;
  readonly pipelines: readonly string[];
  readonly turnsStale: boolean;
  readonly warnings: readonly Warning[];
};

/** A Pool whose slots or users change. `asked`: how many runs and tasks may want a slot at once. */
export type PoolChange = {
  readonly name: string;
  /** Null where it is not there. */
  readonly slots: { readonly before: number | null; readonly after: number | null };
  readonly users: readonly string[];
  readonly asked: number;
  /** When more of them become due at once than there are slots: the first moments. */
  readonly collisions: readonly Collision[];
};

export type Collision = { readonly at: Date; readonly pipelines: readonly string[] };

/** What a new or changed Backfill would run, as far as the calendar alone can tell. */
export type BackfillChange = {
  readonly name: string;
  readonly pipeline: string;
  readonly windows: number;
  /** The first and the last one, in the order in which they run; null where there is none. */
  readonly first: string | null;
  readonly last: string | null;
  readonly rerun: string;
  readonly order: string;
  readonly maxActiveRuns: number;
  /** Of a controller that was asked: how many windows would run by what it has, and how long one takes in the mean. */
  readonly facts?: { readonly windows: number; readonly kept: number; readonly meanDurationMs: number | null };
  /** What would be asked of it. */
  readonly range: { readonly from: string; readonly to: string };
};

/** A Backfill that is taken out, or changed: what it has not begun is cancelled. */
export type EndedBackfill = { readonly name: string; readonly pipeline: string };

export type Plan = {
  /** By name. */
  readonly pipelines: readonly PipelineChange[];
  readonly shared: readonly SharedChange[];
  readonly pools: readonly PoolChange[];
  readonly backfills: readonly BackfillChange[];
  readonly endedBackfills: readonly EndedBackfill[];
  readonly unchanged: number;
  /** Overlays that change, too, and that this plan is not of. */
  readonly environments: readonly string[];
  /** Of the head. */
  readonly problems: readonly Problem[];
};
