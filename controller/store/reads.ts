import type pg from 'pg';
import type {
  BackfillSummary,
  PipelineList,
  RunDetail,
  RunList,
  RunSummary,
  WindowList,
} from '../../schemas/generated/types.ts';
import { readBackfills } from './reads-backfills.ts';
import { readPipelines } from './reads-pipelines.ts';
import { readRun } from './reads-run.ts';
import { readRuns } from './reads-runs.ts';
import { type LedgerSpan, type PipelineCalendars, readCalendars, readSpan } from './reads-span.ts';
import { type MeasuredAttempt, readUsage } from './reads-usage.ts';
import { readWindows } from './reads-windows.ts';

/** `before` is the `next` of the page before; a page that begins elsewhere throws `PageError`. */
export type RunsQuery = {
  readonly limit: number;
  readonly before?: string | undefined;
  readonly pipeline?: string | undefined;
  readonly phase?: RunSummary['phase'] | undefined;
};
export type WindowsQuery = { readonly limit: number; readonly before?: string | undefined };

/** What API and command line see of the ledger. Lists page by key and never count or unpack what grows. */
export type Reads = {
  pipelines(): Promise<PipelineList>;
  /** Newest first. Null when there is no such pipeline. */
  runs(query: RunsQuery): Promise<RunList | null>;
  /** The newest run of that name. */
  run(name: string): Promise<RunDetail | null>;
  /** Newest first, with the stretches that were passed over between them. Null when there is no such pipeline. */
  windows(pipeline: string, query: WindowsQuery): Promise<WindowList | null>;
  /** Attempts of its last runs that told what they used, newest first. Null when there is no such pipeline. */
  usage(pipeline: string): Promise<MeasuredAttempt[] | null>;
  /** What has cut the pipeline's time. Null when there is no such pipeline, `schedule: null` when it has none. */
  calendars(pipeline: string): Promise<PipelineCalendars | { readonly schedule: null } | null>;
  /** Newest first; of one pipeline, or the one of that name. */
  backfills(which: { pipeline?: string | undefined; name?: string | undefined }): Promise<BackfillSummary[]>;
  /** What the ledger has of `[from, to)`, oldest first. */
  span(pipelineId: number, bounds: { from: Date; to: Date }): Promise<LedgerSpan>;
};

export function createReads({ pool }: { pool: pg.Pool }): Reads {
  return {
    pipelines: () => readPipelines(pool),
    runs: (query) => readRuns(pool, query),
    run: (name) => readRun(pool, name),
    windows: (pipeline, query) => readWindows(pool, pipeline, query),
    usage: (pipeline) => readUsage(pool, pipeline),
    calendars: (pipeline) => readCalendars(pool, pipeline),
    backfills: (which) => readBackfills(pool, which),
    span: (pipelineId, bounds) => readSpan(pool, pipelineId, bounds),
  };
}
