import type {
  BackfillSummary,
  CalendarSpec,
  CompiledSchedule,
  Phase,
  Problem,
  Reason,
  RunSummary,
} from './generated/types.ts';

/** What a custom resource shows of a run, as it is at this moment. */
export type RunPublication = {
  readonly id: number;
  readonly name: string;
  readonly pipeline: string;
  readonly window: { readonly start: Date; readonly end: Date; readonly label: string } | null;
  readonly runNo: number;
  readonly trigger: RunSummary['trigger'];
  readonly phase: Phase;
  readonly reason: Reason | null;
  readonly message: string | null;
  readonly variables: Readonly<Record<string, string | number | boolean | null>>;
  readonly queuedAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  /** Tasks that have succeeded, of all of its version. */
  readonly tasks: { readonly done: number; readonly total: number };
  /** Digest of its version, and the revision that brought it. */
  readonly version: string;
  readonly revision: string;
  /** Where its newest attempt ran, as far as its executor knows, and why nothing of it runs yet. */
  readonly place: {
    readonly job?: string;
    readonly node?: string;
    readonly pending?: { readonly reason: Reason; readonly message: string };
  } | null;
  /** The object by which a person asked for it; it then shows this run. */
  readonly origin: Origin | null;
  /** How many runs of its pipeline are newer, counted to the limit that was asked for. */
  readonly newer: number;
};

/** An object that a person made, and that asks for something. */
export type Origin = {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
};

/** What a custom resource shows of a backfill, as it is at this moment. */
export type BackfillPublication = BackfillSummary & {
  readonly id: number;
  readonly variables: Readonly<Record<string, string | number | boolean | null>>;
  /** The object by which a person asked for it; it then shows this backfill. */
  readonly origin: Origin | null;
  /** How many backfills of its pipeline are newer, counted to the limit that was asked for. */
  readonly newer: number;
};

/** What a custom resource shows of a pipeline, as it is at this moment. */
export type PipelinePublication = {
  readonly id: number;
  readonly name: string;
  readonly description: string | null;
  readonly source: string;
  readonly file: string;
  readonly revision: string;
  /** Digests. */
  readonly version: string;
  readonly bundle: string;
  readonly calendar: CalendarSpec | null;
  readonly schedule: CompiledSchedule | null;
  readonly maxActiveRuns: number;
  readonly whenBusy: 'queue' | 'skip' | 'replace';
  readonly priority: number;
  readonly pool: string | null;
  readonly timeoutMs: number | null;
  readonly suspended: boolean;
  /** Whether the manifest says so, and not kubectl. */
  readonly suspendedBySource: boolean;
  readonly retired: boolean;
  /** False: its manifest has problems, and the last good version goes on. */
  readonly ready: boolean;
  /** The first problem of its manifest. */
  readonly problem: string | null;
  /** Why its windows cannot be computed. */
  readonly scheduleFailure: string | null;
  /** The oldest window that is past its deadline and has not ended well. */
  readonly late: { readonly window: string; readonly deadline: string } | null;
  readonly nextDueAt: Date | null;
  readonly lastRun: { readonly name: string; readonly window: string | null; readonly phase: Phase } | null;
  readonly activeRuns: number;
  readonly queuedRuns: number;
};

/** What a custom resource shows of a source, as it was read last. */
export type SourcePublication = {
  readonly id: number;
  readonly name: string;
  readonly kind: 'folder' | 'git';
  /** Absolute path of the folder, or the URL. */
  readonly location: string;
  /** What is followed, as `branch main`; null for the working tree of a folder. */
  readonly ref: string | null;
  /** The folder inside; `''` for all of it. */
  readonly path: string;
  readonly suspended: boolean;
  /** Whether it was looked at since it is declared like this. */
  readonly seen: boolean;
  /** What was read last, by whom, and when; null before the first time. */
  readonly revision: string | null;
  readonly author: string | null;
  readonly syncedAt: Date | null;
  /** Why it can't be read, in a sentence. */
  readonly failure: string | null;
  /** How many pipelines come from it. */
  readonly pipelines: number;
  readonly problemCount: number;
  /** The first of them, each with the revision in which it was first seen and who made that. */
  readonly problems: readonly (Omit<Problem, 'frame'> & { readonly revision?: string; readonly author?: string })[];
};
