import type pg from 'pg';
import type {
  CalendarSpec,
  CompiledSchedule,
  PipelineSummary,
  Problem,
  RunSummary,
} from '../../schemas/generated/types.ts';
import { scheduleText } from '../../schemas/schedule-text.ts';
import { iso, isoOrNull } from './reads-page.ts';
import { readProblems } from './reads-problems.ts';

/** A pipeline in the list, and what tells whether it has gone quiet; `wanted` is null where no window can be expected of it. */
export type PipelineReading = {
  readonly summary: Omit<PipelineSummary, 'quiet'>;
  readonly schedule: CompiledSchedule | null;
  readonly wanted: {
    /** Where the window begins that is expected next: behind the newest one that has ended well. */
    readonly start: Date;
    /** When that one ended; without one, when a sync first brought the pipeline. */
    readonly calmAt: Date;
    /** Since when its windows cannot be computed, and why. */
    readonly failedAt: Date | null;
    readonly failure: string | null;
    /** Whether missed windows await their turn. */
    readonly awaits: boolean;
    readonly lastRun: Pick<RunSummary, 'name' | 'phase' | 'reason'> | null;
    readonly now: Date;
  } | null;
};

export type PipelineReadings = { readonly pipelines: readonly PipelineReading[]; readonly problems: Problem[] };

type Row = Pick<
  PipelineSummary,
  'name' | 'source' | 'file' | 'suspended' | 'ready' | 'lastPhase' | 'activeRuns' | 'queuedRuns' | 'version'
> &
  Pick<NonNullable<PipelineReading['wanted']>, 'failedAt' | 'failure' | 'awaits' | 'lastRun' | 'now'> & {
    readonly calendar: CalendarSpec | null;
    readonly schedule: CompiledSchedule | null;
    readonly windowStart: Date | null;
    readonly windowEnd: Date | null;
    readonly nextDueAt: Date | null;
    readonly createdAt: Date;
    /** Where its first window begins. */
    readonly firstAt: Date | null;
    readonly calmEnd: Date | null;
    readonly calmAt: Date | null;
    readonly successStart: Date | null;
    readonly successEnd: Date | null;
    readonly successAt: Date | null;
  };

/** As the index says it: skipped is well, too, but for want of a place. */
const endedWell = `(w.phase = 'Succeeded' or (w.phase = 'Skipped' and w.reason is distinct from 'Busy'))`;

/** When what a window shows came about: its run's end, or its mark. */
const endedAt = `case when w.reason = 'MarkedByHand' then (w.mark ->> 'at')::timestamptz else r.finished_at end`;

/** Without a schedule the newest success is looked for among so many runs. */
const newestRuns = 100;

/** Pipelines are few beside runs: this list is whole. It counts live runs only, which partial indexes hold. */
export async function readPipelines(pool: pg.Pool): Promise<PipelineReadings> {
  const { rows } = await pool.query<Row>(
    `with live as (
       select pipeline_id, count(*) filter (where phase = 'Running') as active, count(*) filter (where phase = 'Queued') as queued
       from (select pipeline_id, phase from runs where phase = 'Running'
             union all select pipeline_id, phase from runs where phase = 'Queued') r
       group by pipeline_id
     )
     select p.name, s.name as source, p.file, c.spec as calendar, v.schedule, p.suspended, p.ready, p.next_due_at as "nextDueAt",
            v.digest as version, p.created_at as "createdAt", p.schedule_failed_at as "failedAt", p.schedule_failure as failure,
            p.paced_until is not null as awaits, now() as now, last.window_start as "windowStart", last.window_end as "windowEnd", last.phase as "lastPhase",
            case when last.name is not null then json_build_object('name', last.name, 'phase', last.phase, 'reason', last.reason) end as "lastRun",
            (select begins_at from calendars where pipeline_id = p.id and number = 1) as "firstAt",
            calm.end_at as "calmEnd", calm.ended_at as "calmAt",
            success.start_at as "successStart", success.end_at as "successEnd", coalesce(success.ended_at, run.finished_at) as "successAt",
            coalesce(live.active, 0) as "activeRuns", coalesce(live.queued, 0) as "queuedRuns"
     from pipelines p join sources s on s.id = p.source_id join versions v on v.id = p.version_id
       left join calendars c on c.id = p.calendar_id left join live on live.pipeline_id = p.id
       left join lateral (
         select name, window_start, window_end, phase, reason from runs r where r.pipeline_id = p.id order by r.id desc limit 1
       ) last on true
       -- Behind the cursor: one that was marked before its time does not stand for those that came before it.
       left join lateral (
         select w.end_at, ${endedAt} as ended_at from windows w left join runs r on r.id = w.last_run_id
         where w.pipeline_id = p.id and ${endedWell} and w.start_at < p.cursor_at order by w.start_at desc limit 1
       ) calm on true
       left join lateral (
         select w.start_at, w.end_at, ${endedAt} as ended_at from windows w left join runs r on r.id = w.last_run_id
         where w.pipeline_id = p.id and w.phase = 'Succeeded' order by w.start_at desc limit 1
       ) success on true
       left join lateral (
         select finished_at from (
           select phase, finished_at, id from runs where pipeline_id = p.id and p.calendar_id is null order by id desc limit ${newestRuns}
         ) r where phase = 'Succeeded' order by id desc limit 1
       ) run on true
     where p.retired_at is null order by p.name`,
  );
  return { pipelines: rows.map(pipelineReading), problems: await readProblems(pool) };
}

function pipelineReading(row: Row): PipelineReading {
  return { summary: pipelineSummary(row), schedule: row.schedule, wanted: wantedOf(row) };
}

function wantedOf(row: Row): PipelineReading['wanted'] {
  const start = row.calmEnd ?? row.firstAt;
  const { failedAt, failure, awaits, lastRun, now } = row;
  return start && { start, calmAt: row.calmAt ?? row.createdAt, failedAt, failure, awaits, lastRun, now };
}

function pipelineSummary(row: Row): PipelineReading['summary'] {
  const { name, source, file, calendar, suspended, ready, windowStart, windowEnd, lastPhase, nextDueAt } = row;
  const { successStart, successEnd, successAt, activeRuns, queuedRuns, version } = row;
  return {
    ...{ name, source, file, suspended, ready, lastPhase, activeRuns, queuedRuns, version },
    schedule: calendar && scheduleText(calendar),
    timeZone: calendar?.timeZone ?? null,
    lastWindow: windowStart && windowEnd ? { start: iso(windowStart), end: iso(windowEnd) } : null,
    nextDueAt: suspended ? null : isoOrNull(nextDueAt),
    lastSuccess:
      successEnd || successAt
        ? {
            window: successStart && successEnd ? { start: iso(successStart), end: iso(successEnd) } : null,
            at: isoOrNull(successAt),
          }
        : null,
  };
}
