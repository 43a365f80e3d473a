import type pg from 'pg';
import type {
  BackfillSummary,
  PipelineFacts,
  PoolList,
  RunDetail,
  RunList,
  RunSelection,
  RunSummary,
  SourceList,
  VersionManifest,
  WindowList,
} from '../../schemas/generated/types.ts';
import type { Limits } from './admission.ts';
import { readDependents } from './dependents.ts';
import { type BackfillWindows, readBackfills, readBackfillWindows } from './reads-backfills.ts';
import { readPipelineManifest, readRunManifest } from './reads-manifest.ts';
import { type PipelineReadings, readPipelines } from './reads-pipelines.ts';
import { readPlanFacts } from './reads-plan.ts';
import { readPools } from './reads-pools.ts';
import { readRun } from './reads-run.ts';
import { readRuns } from './reads-runs.ts';
import { type RunSelector, readSelection } from './reads-selection.ts';
import { readSources } from './reads-sources.ts';
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
  /** Whole, by name. */
  pipelines(): Promise<PipelineReadings>;
  /** Newest first. Null when there is no such pipeline. */
  runs(query: RunsQuery): Promise<RunList | null>;
  /** Runs by what they are, for a rerun or a cancellation of many. */
  selection(selector: RunSelector): Promise<RunSelection>;
  /** The newest run of that name. */
  run(name: string): Promise<RunDetail | null>;
  /** What the newest run of that name is made of, and a pipeline now. Null when there is no such thing. */
  runManifest(run: string): Promise<VersionManifest | null>;
  pipelineManifest(pipeline: string): Promise<VersionManifest | null>;
  /** Those that are declared, by name. */
  sources(): Promise<SourceList>;
  /** What a plan says of these pipelines beside what manifests tell. */
  planFacts(pipelines: readonly string[]): Promise<PipelineFacts[]>;
  /** With who holds and who waits. */
  pools(): Promise<PoolList>;
  /** Newest first, with the stretches that were passed over between them. Null when there is no such pipeline. */
  windows(pipeline: string, query: WindowsQuery): Promise<WindowList | null>;
  /** Attempts of its last runs that told what they used, newest first. Null when there is no such pipeline. */
  usage(pipeline: string): Promise<MeasuredAttempt[] | null>;
  /** What has cut the pipeline's time. Null when there is no such pipeline, `schedule: null` when it has none. */
  calendars(pipeline: string): Promise<PipelineCalendars | { readonly schedule: null } | null>;
  /** Newest first; of one pipeline, or the one of that name. */
  backfills(which: { pipeline?: string | undefined; name?: string | undefined }): Promise<BackfillSummary[]>;
  /** The windows of a backfill, behind a place in their order. Null when there is no such backfill. */
  backfillWindows(page: { name: string; after: number; limit: number }): Promise<BackfillWindows | null>;
  /** The pipelines that wait for this one, directly or not, each after those that it waits for. */
  dependents(pipeline: string): Promise<string[]>;
  /** What the ledger has of `[from, to)`, oldest first. */
  span(pipelineId: number, bounds: { from: Date; to: Date }): Promise<LedgerSpan>;
};

export function createReads({ pool, limits = {} }: { pool: pg.Pool; limits?: Limits }): Reads {
  return {
    pipelines: () => readPipelines(pool),
    runs: (query) => readRuns(pool, query),
    selection: (selector) => readSelection(pool, selector),
    run: (name) => readRun(pool, name, limits),
    runManifest: (run) => readRunManifest(pool, run),
    pipelineManifest: (pipeline) => readPipelineManifest(pool, pipeline),
    sources: () => readSources(pool),
    planFacts: (pipelines) => readPlanFacts(pool, pipelines),
    pools: () => readPools(pool),
    windows: (pipeline, query) => readWindows(pool, pipeline, query),
    usage: (pipeline) => readUsage(pool, pipeline),
    calendars: (pipeline) => readCalendars(pool, pipeline),
    backfills: (which) => readBackfills(pool, which),
    backfillWindows: (page) => readBackfillWindows(pool, page),
    dependents: (pipeline) => readDependents(pool, pipeline),
    span: (pipelineId, bounds) => readSpan(pool, pipelineId, bounds),
  };
}
