import type pg from 'pg';

/** A missed window that may get its run now; the pipeline's row is locked. */
export type AwaitingWindow = {
  readonly pipelineId: number;
  readonly pipeline: string;
  readonly versionId: number;
  readonly calendarId: number;
  readonly start: Date;
  readonly end: Date;
  readonly label: string;
};

/** A pipeline with missed windows whose pause is over. `windows` is empty when it has no room, or when none awaits its turn. */
export type AwaitingPipeline = {
  readonly id: number;
  /** How long the next one waits for each that gets its turn, in ms: 0 without a rate. */
  readonly pauseMs: number;
  readonly hasRoom: boolean;
  readonly windows: readonly AwaitingWindow[];
};

const awaiting = `w.pipeline_id = room.id and w.phase = 'Missing' and w.reason = 'AwaitsTurn'`;

/**
 * The missed windows whose turn has come: as many as the pipeline's `maxActiveRuns` has room for, counted from live rows, and in
 * one second no more than its rate gives.
 */
export async function takeAwaiting(db: pg.ClientBase, pipelines: number): Promise<AwaitingPipeline[]> {
  const { rows } = await db.query(
    `with paced as (
       select p.id, p.name, p.version_id, v.max_active_runs, v.schedule #>> '{catchUpLimits,order}' = 'newest' as newest,
         (v.schedule #>> '{catchUpLimits,rate,everyMs}')::float8 / (v.schedule #>> '{catchUpLimits,rate,windows}')::float8 as pause
       from pipelines p join versions v on v.id = p.version_id
       where p.paced_until <= now() and p.retired_at is null and not p.suspended
       order by p.paced_until, p.id limit $1 for update of p skip locked
     ), room as (
       select id, name, version_id, coalesce(newest, false) as newest, coalesce(pause, 0) as pause,
         least(greatest(1, floor(1000 / pause)), max_active_runs - live.runs)::int as places
       from paced cross join lateral (
         select count(*) as runs from windows w join runs r on r.id = w.live_run_id
         where w.pipeline_id = paced.id and w.live_run_id is not null and r.backfill_id is null
       ) live
     )
     select room.id as "pipelineId", room.name as pipeline, room.version_id as "versionId", room.pause as "pauseMs", room.places > 0 as "hasRoom",
            w.calendar_id as "calendarId", w.start_at as start, w.end_at as "end", w.label
     from room left join lateral (
       (select * from windows w where ${awaiting} and not room.newest order by w.start_at limit greatest(0, places))
       union all
       (select * from windows w where ${awaiting} and room.newest order by w.start_at desc limit greatest(0, places))
     ) w on true`,
    [pipelines],
  );
  const byId = Map.groupBy(rows, (row) => row.pipelineId as number);
  return [...byId].map(([id, all]) => ({
    id,
    pauseMs: all[0].pauseMs,
    hasRoom: all[0].hasRoom,
    windows: all.filter(({ label }) => label !== null),
  }));
}

/** Queues the first runs of windows that awaited their turn; one that a backfill has taken meanwhile is left alone. */
export async function queueAwaiting(
  db: pg.ClientBase,
  windows: readonly (AwaitingWindow & { runName: string })[],
): Promise<number> {
  if (windows.length === 0) return 0;
  const { rowCount } = await db.query(
    `with due as materialized (
       select d.*, new_run_id() as run_id from jsonb_to_recordset($1) as d("pipelineId" int, "calendarId" bigint, "versionId" bigint,
         start timestamptz, "end" timestamptz, label text, "runName" text)
     ), taken as (
       update windows w set phase = 'Queued', reason = null, last_run_no = 1, last_run_id = d.run_id, live_run_id = d.run_id
       from due d where w.pipeline_id = d."pipelineId" and w.calendar_id = d."calendarId" and w.start_at = d.start
         and w.phase = 'Missing' and w.last_run_no = 0
       returning d.run_id
     )
     insert into runs (id, name, pipeline_id, version_id, calendar_id, window_start, window_end, window_label, run_no, trigger)
     select d.run_id, d."runName", d."pipelineId", d."versionId", d."calendarId", d.start, d."end", d.label, 1, 'schedule'
     from due d join taken using (run_id)`,
    [JSON.stringify(windows)],
  );
  return rowCount ?? 0;
}

/** Lets pipelines pause before further windows get their turn; `afterMs: null` when none awaits it any more. */
export async function pacePipelines(
  db: pg.ClientBase,
  pauses: readonly { id: number; afterMs: number | null }[],
): Promise<void> {
  if (pauses.length === 0) return;
  await db.query(
    `update pipelines p set paced_until = now() + s."afterMs" * interval '1 ms'
     from jsonb_to_recordset($1) as s(id int, "afterMs" float8) where p.id = s.id`,
    [JSON.stringify(pauses)],
  );
}
