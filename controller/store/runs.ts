import type pg from 'pg';
import type { Phase, Reason, RetryPolicy, TaskPhase, TaskReport } from '../../schemas/generated/types.ts';
import type { VersionDetails } from './versions.ts';

export type NewRun = {
  readonly name: string;
  readonly pipelineId: number;
  readonly versionId: number;
  readonly trigger: 'manual' | 'rerun';
  readonly variables: Record<string, unknown>;
  readonly requestId: number;
  readonly runNo: number;
  readonly window: { calendarId: number; start: Date; end: Date; label: string } | null;
  /** The version stays its own, whatever its pipeline's is when it is admitted. */
  readonly keepsVersion?: boolean;
  /** The run that it runs again. */
  readonly rerunOf?: number;
  /** That of the pipeline where none is given. */
  readonly priority?: number | undefined;
};

/** Queues a run that a request asked for, and returns its id. With a window, the caller holds the window's row and has seen no live run. */
export async function queueRun(db: pg.ClientBase, run: NewRun): Promise<number> {
  const { rows } = await db.query(
    `insert into runs (name, pipeline_id, version_id, calendar_id, window_start, window_end, window_label, run_no, trigger, variables, request_id,
       keeps_version, rerun_of, priority)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) returning id`,
    [
      run.name,
      run.pipelineId,
      run.versionId,
      run.window?.calendarId ?? null,
      run.window?.start ?? null,
      run.window?.end ?? null,
      run.window?.label ?? null,
      run.runNo,
      run.trigger,
      JSON.stringify(run.variables),
      run.requestId,
      run.keepsVersion ?? false,
      run.rerunOf ?? null,
      run.priority ?? null,
    ],
  );
  const id: number = rows[0].id;
  if (!run.window) return id;
  const { rowCount } = await db.query(
    `update windows set phase = 'Queued', reason = null, last_run_no = $4, last_run_id = $5, live_run_id = $5
     where pipeline_id = $1 and calendar_id = $2 and start_at = $3 and live_run_id is null and last_run_no = $4 - 1`,
    [run.pipelineId, run.window.calendarId, run.window.start, run.runNo, id],
  );
  if (rowCount !== 1) throw new Error(`window ${run.window.label} of run ${run.name} changed under its lock`);
  return id;
}

/** The next number for a run without window. The pipeline's row is locked by the update itself. */
export async function nextManualSeq(db: pg.ClientBase, pipelineId: number): Promise<number> {
  const { rows } = await db.query('update pipelines set last_seq = last_seq + 1 where id = $1 returning last_seq', [
    pipelineId,
  ]);
  return rows[0].last_seq;
}

export type RunHead = {
  readonly id: number;
  readonly name: string;
  readonly pipeline: string;
  readonly phase: Phase;
  readonly windowStart: Date | null;
  readonly versionId: number;
  readonly variables: Record<string, string | number | boolean | null>;
};

/** The newest run of that name, locked. */
export async function lockRun(db: pg.ClientBase, name: string): Promise<RunHead | null> {
  const { rows } = await db.query(
    `select r.id, r.name, p.name as pipeline, r.phase, r.window_start as "windowStart", r.version_id as "versionId", r.variables
     from runs r join pipelines p on p.id = r.pipeline_id where r.name = $1 order by r.id desc limit 1 for update of r`,
    [name],
  );
  return rows[0] ?? null;
}

export async function requestCancel(db: pg.ClientBase, runId: number, reason: Reason): Promise<void> {
  await db.query(
    `update runs set cancel_requested_at = now(), cancel_reason = $2, news = true
     where id = $1 and phase in ('Queued', 'Running') and cancel_requested_at is null`,
    [runId, reason],
  );
}

/** Cancels the live runs of pipelines that are in a phase. */
export async function cancelRunsOf(
  db: pg.ClientBase,
  pipelineIds: readonly number[],
  phase: 'Queued' | 'Running',
  reason: Reason,
): Promise<void> {
  // The phase stands in the text, so that its index serves.
  await db.query(
    `update runs set cancel_requested_at = now(), cancel_reason = $2, news = true
     where pipeline_id = any($1) and phase = '${phase}' and cancel_requested_at is null`,
    [pipelineIds, reason],
  );
}

export type NewsRun = {
  readonly id: number;
  readonly name: string;
  readonly pipeline: string;
  readonly phase: Phase;
  readonly runNo: number;
  readonly trigger: string;
  readonly windowStart: Date | null;
  readonly windowEnd: Date | null;
  readonly windowLabel: string | null;
  readonly calendar: unknown;
  readonly variables: Record<string, string | number | boolean | null>;
  readonly details: VersionDetails;
  readonly cancelReason: 'CancelledByRequest' | 'PipelineRetired' | 'Replaced' | null;
  readonly timedOut: boolean;
};

const newsColumns = `r.id, r.name, p.name as pipeline, r.phase, r.run_no as "runNo", r.trigger, r.window_start as "windowStart",
  r.window_end as "windowEnd", r.window_label as "windowLabel", c.spec as calendar, r.variables, v.details,
  case when r.cancel_requested_at is not null then r.cancel_reason end as "cancelReason",
  r.phase = 'Running' and r.deadline_at <= now() as "timedOut"`;

/** Runs that something happened to, or whose deadline has passed, locked. */
export async function takeNews(db: pg.ClientBase, limit: number): Promise<NewsRun[]> {
  const { rows } = await db.query(
    `select ${newsColumns}
     from runs r join pipelines p on p.id = r.pipeline_id join versions v on v.id = r.version_id left join calendars c on c.id = r.calendar_id
     where r.news or (r.phase = 'Running' and r.deadline_at <= now() and r.reason is null)
     order by r.id limit $1 for update of r skip locked`,
    [limit],
  );
  return rows;
}

export type TaskRow = {
  readonly runId: number;
  readonly name: string;
  readonly needs: readonly string[];
  readonly phase: TaskPhase;
  readonly reason: Reason | null;
  readonly lost: number;
  readonly condition: string | null;
  readonly retry: RetryPolicy;
  readonly isWait: boolean;
  readonly attempt: {
    number: number;
    phase: string;
    reason: Reason | null;
    message: string | null;
    /** What a container has put out. */
    outputs: TaskReport['outputs'] | null;
  } | null;
};

/** The tasks of runs in topological order, each with its newest attempt. */
export async function readTasks(db: pg.ClientBase, runIds: readonly number[]): Promise<TaskRow[]> {
  const { rows } = await db.query(
    `select t.run_id as "runId", t.name, t.needs, t.phase, t.reason, t.lost, d.condition, d.wait is not null as "isWait",
            json_build_object('limit', d.retry_limit, 'initialMs', d.retry_initial_ms, 'factor', d.retry_factor, 'maxMs', d.retry_max_ms) as retry,
            (select json_build_object('number', a.number, 'phase', a.phase, 'reason', a.reason, 'message', a.message,
               'outputs', a.report->'outputs')
             from attempts a where a.run_id = t.run_id and a.task = t.name and a.number = t.attempts) as attempt
     from tasks t join runs r on r.id = t.run_id join version_tasks d on d.version_id = r.version_id and d.name = t.name
     where t.run_id = any($1) order by t.run_id, t.position`,
    [runIds],
  );
  return rows;
}

export async function writeTaskChanges(
  db: pg.ClientBase,
  changes: readonly {
    runId: number;
    name: string;
    from: TaskPhase;
    phase: TaskPhase;
    reason: Reason | null;
    lost: number;
    afterMs: number;
  }[],
): Promise<void> {
  if (changes.length === 0) return;
  const { rowCount } = await db.query(
    `update tasks t set phase = c.phase, reason = c.reason, lost = c.lost,
       not_before = case when c.phase = 'Ready' and c."afterMs" > 0 then now() + c."afterMs" * interval '1 ms' end,
       finished_at = case when c.phase in ('Succeeded', 'Failed', 'Cancelled', 'Skipped') then now() end
     from jsonb_to_recordset($1) as c("runId" bigint, name text, "from" text, phase text, reason text, lost int, "afterMs" bigint)
     where t.run_id = c."runId" and t.name = c.name and t.phase = c."from"`,
    [JSON.stringify(changes)],
  );
  if (rowCount !== changes.length) throw new Error('a task changed under the lock of its run');
}

export type SettledRun = {
  readonly id: number;
  readonly phase: Phase;
  readonly reason: Reason | null;
  readonly message: string | null;
};

/** Settles runs and, with them, their windows, which become free for a rerun, and the backfills that waited for them. */
export async function settleRuns(db: pg.ClientBase, runs: readonly SettledRun[]): Promise<void> {
  if (runs.length === 0) return;
  await db.query(
    `with settled as (
       update runs r set phase = s.phase, reason = s.reason, message = s.message, finished_at = now()
       from jsonb_to_recordset($1) as s(id bigint, phase text, reason text, message text)
       where r.id = s.id and r.phase in ('Queued', 'Running') returning r.id, r.phase, r.reason, r.version_id, r.admitted_at, r.finished_at
     ), told as (
       update backfill_windows b set phase = s.phase, ended_at = now() from settled s where b.run_id = s.id and b.phase is null
     ), over as (
       delete from waits where run_id in (select id from settled)
     )
     update windows w set phase = s.phase, reason = s.reason, live_run_id = null,
       made_by = case when s.phase = 'Succeeded' then s.version_id else w.made_by end,
       made_at = case when s.phase = 'Succeeded' then s.finished_at else w.made_at end,
       read_at = case when s.phase = 'Succeeded' then s.admitted_at else w.read_at end
     from settled s where w.live_run_id = s.id`,
    [JSON.stringify(runs)],
  );
}

/** What was seen is no news any more; a passed deadline is noted in `reason`, so that it wakes `advance` only once. */
export async function clearNews(db: pg.ClientBase, runIds: readonly number[]): Promise<void> {
  await db.query(
    `update runs set news = false, reason = case when phase = 'Running' and deadline_at <= now() then 'TimedOut' else reason end
     where id = any($1)`,
    [runIds],
  );
}
