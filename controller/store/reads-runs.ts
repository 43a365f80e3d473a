import type pg from 'pg';
import type { Reason, RunList, RunSummary } from '../../schemas/generated/types.ts';
import type { RunsQuery } from './reads.ts';
import { cutPage, iso, isoOrNull, PageError } from './reads-page.ts';

/** The columns of a run in lists; `runs` is `r`, its pipeline `p`. */
export const summaryColumns = `r.id, r.name, p.name as pipeline, r.window_start as "windowStart", r.window_end as "windowEnd", r.phase,
  r.trigger, r.run_no as "runNo", r.queued_at as "queuedAt", r.started_at as "startedAt", r.finished_at as "finishedAt", r.reason`;

export type SummaryRow = {
  readonly id: number;
  readonly name: string;
  readonly pipeline: string;
  readonly windowStart: Date | null;
  readonly windowEnd: Date | null;
  readonly phase: RunSummary['phase'];
  readonly trigger: RunSummary['trigger'];
  readonly runNo: number;
  readonly queuedAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly reason: Reason | null;
};

export function summary(row: SummaryRow): RunSummary {
  const { name, pipeline, windowStart, windowEnd, phase, trigger, runNo, reason } = row;
  return {
    name,
    pipeline,
    window: windowStart && windowEnd ? { start: iso(windowStart), end: iso(windowEnd) } : null,
    phase,
    trigger,
    runNo,
    queuedAt: iso(row.queuedAt),
    startedAt: isoOrNull(row.startedAt),
    finishedAt: isoOrNull(row.finishedAt),
    reason,
  };
}

/** Ids carry their time, so newest first is by id, and the id is the key of the page. */
export async function readRuns(pool: pg.Pool, query: RunsQuery): Promise<RunList | null> {
  const { limit, before, pipeline, phase } = query;
  if (before !== undefined && !/^\d{1,16}$/.test(before)) throw new PageError(before);
  const pipelineId = pipeline === undefined ? undefined : await pipelineIdOf(pool, pipeline);
  if (pipelineId === null) return null;
  const values: unknown[] = [];
  const bound = (value: unknown) => `$${values.push(value)}`;
  // Conditions are written out only where asked for: `$1 is null or …` would hide the indexes from the planner.
  const conditions = [
    ...(before === undefined ? [] : [`r.id < ${bound(before)}`]),
    ...(pipelineId === undefined ? [] : [`r.pipeline_id = ${bound(pipelineId)}`]),
    ...(phase === undefined ? [] : [`r.phase = ${bound(phase)}`]),
  ];
  const where = conditions.length > 0 ? `where ${conditions.join(' and ')}` : '';
  const { rows } = await pool.query<SummaryRow>(
    `select ${summaryColumns} from runs r join pipelines p on p.id = r.pipeline_id ${where}
     order by r.id desc limit ${bound(limit + 1)}`,
    values,
  );
  const { page, more } = cutPage(rows, limit);
  return { runs: page.map(summary), next: more ? String(page.at(-1)?.id) : null };
}

/** Retired pipelines are found too: their history stays. */
async function pipelineIdOf(pool: pg.Pool, name: string): Promise<number | null> {
  const { rows } = await pool.query('select id from pipelines where name = $1', [name]);
  return rows[0]?.id ?? null;
}
