import type pg from 'pg';
import type { PipelineList, RunDetail, RunList, RunSummary, WindowList } from '../../schemas/generated/types.ts';
import { readPipelines } from './reads-pipelines.ts';
import { readRun } from './reads-run.ts';
import { readRuns } from './reads-runs.ts';
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
};

export function createReads({ pool }: { pool: pg.Pool }): Reads {
  return {
    pipelines: () => readPipelines(pool),
    runs: (query) => readRuns(pool, query),
    run: (name) => readRun(pool, name),
    windows: (pipeline, query) => readWindows(pool, pipeline, query),
  };
}
