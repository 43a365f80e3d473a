import type pg from 'pg';
import type { CalendarSpec, PipelineList, PipelineSummary, Problem } from '../../schemas/generated/types.ts';
import { scheduleText } from '../../schemas/schedule-text.ts';
import { iso, isoOrNull } from './reads-page.ts';

type Row = Pick<
  PipelineSummary,
  'name' | 'source' | 'file' | 'suspended' | 'ready' | 'lastPhase' | 'activeRuns' | 'queuedRuns' | 'version'
> & {
  readonly calendar: CalendarSpec | null;
  readonly windowStart: Date | null;
  readonly windowEnd: Date | null;
  readonly nextDueAt: Date | null;
};

/** Pipelines are few beside runs: this list is whole. It counts live runs only, which partial indexes hold. */
export async function readPipelines(pool: pg.Pool): Promise<PipelineList> {
  const { rows } = await pool.query<Row>(
    `with live as (
       select pipeline_id, count(*) filter (where phase = 'Running') as active, count(*) filter (where phase = 'Queued') as queued
       from (select pipeline_id, phase from runs where phase = 'Running'
             union all select pipeline_id, phase from runs where phase = 'Queued') r
       group by pipeline_id
     )
     select p.name, s.name as source, p.file, c.spec as calendar, p.suspended, p.ready, p.next_due_at as "nextDueAt", v.digest as version,
            last.window_start as "windowStart", last.window_end as "windowEnd", last.phase as "lastPhase",
            coalesce(live.active, 0) as "activeRuns", coalesce(live.queued, 0) as "queuedRuns"
     from pipelines p join sources s on s.id = p.source_id join versions v on v.id = p.version_id
       left join calendars c on c.id = p.calendar_id left join live on live.pipeline_id = p.id
       left join lateral (
         select window_start, window_end, phase from runs r where r.pipeline_id = p.id order by r.id desc limit 1
       ) last on true
     where p.retired_at is null order by p.name`,
  );
  return { pipelines: rows.map(pipelineSummary), problems: await readProblems(pool) };
}

function pipelineSummary({ calendar, windowStart, windowEnd, nextDueAt, ...row }: Row): PipelineSummary {
  return {
    ...row,
    schedule: calendar && scheduleText(calendar),
    timeZone: calendar?.timeZone ?? null,
    lastWindow: windowStart && windowEnd ? { start: iso(windowStart), end: iso(windowEnd) } : null,
    nextDueAt: row.suspended ? null : isoOrNull(nextDueAt),
  };
}

async function readProblems(pool: pg.Pool): Promise<Problem[]> {
  const { rows } = await pool.query(
    'select file, line, "column", code, message, pipeline, frame from problems order by source_id, position',
  );
  return rows.map(({ pipeline, frame, ...problem }) => ({
    ...problem,
    ...(pipeline === null ? {} : { pipeline }),
    ...(frame === null ? {} : { frame }),
  }));
}
