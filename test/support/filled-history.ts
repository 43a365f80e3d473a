import type pg from 'pg';

/** Three tasks, one after the other. */
export const threeTasks = `    - name: one
      load: { inline: { rows: [{ n: 1 }] } }
    - name: two
      from: [one]
      retry: { limit: 0 }
      transform: { sql: select n from one }
    - name: three
      from: [two]
      timeout: 1h
      transform: { sql: select n from two }
`;

/**
 * Gives the pipelines that a sync has brought a past: `runs` runs in equal parts, spread over the last `months` months, each of a window
 * of its own, with the tasks of its version, an attempt for each, with a report, and a log. One in 97 has failed. Set-based: about
 * 30,000 runs a second.
 */
export async function fillHistory(pool: pg.Pool, { runs, months }: { runs: number; months: number }): Promise<void> {
  const db = await pool.connect();
  try {
    await db.query('set statement_timeout = 0');
    for (const statement of statements(runs, months)) await db.query(statement);
  } finally {
    db.release(true);
  }
}

function statements(runs: number, months: number): string[] {
  return [
    partitions(months),
    `create temp table past as
     select time_id(at) | ((k * pipelines + n) & 2097151) as id, p.id as pipeline_id, version_id, calendar_id, at - step as start_at, at as end_at,
       name || '-' || to_char(at - step, 'YYYY-MM-DD"T"HH24MISS') as name, to_char(at - step, 'YYYY-MM-DD"T"HH24MISS') as label,
       case when (k + n) % 97 = 0 then 'Failed' else 'Succeeded' end as phase
     from (select *, row_number() over (order by id) - 1 as n, count(*) over () as pipelines from pipelines where calendar_id is not null) p
       cross join lateral (select ${runs} / pipelines as per_pipeline) c
       cross join generate_series(1, per_pipeline) k
       cross join lateral (select date_trunc('second', interval '${months} months' / per_pipeline) as step) s
       cross join lateral (select date_trunc('second', now()) - interval '1 hour' - step * (per_pipeline - k) as at) t`,
    `insert into runs (id, name, pipeline_id, version_id, calendar_id, window_start, window_end, window_label, run_no, trigger, phase, reason,
       queued_at, admitted_at, started_at, finished_at)
     select id, name, pipeline_id, version_id, calendar_id, start_at, end_at, label, 1, 'schedule', phase,
       case phase when 'Failed' then 'OutOfMemory' end, end_at, end_at, end_at, end_at + interval '1 minute' from past order by id`,
    `insert into windows (pipeline_id, calendar_id, start_at, end_at, label, due_at, phase, reason, last_run_no, last_run_id, made_by)
     select pipeline_id, calendar_id, start_at, end_at, label, end_at, phase, case phase when 'Failed' then 'OutOfMemory' end, 1, id, version_id
     from past order by id on conflict do nothing`,
    `insert into tasks (run_id, name, position, blocks, needs, phase, attempts, started_at, finished_at)
     select p.id, t.name, t.position, t.blocks, t.needs, p.phase, 1, p.end_at, p.end_at + interval '1 minute'
     from past p join version_tasks t using (version_id) order by p.id`,
    `insert into attempts (run_id, task, number, phase, reason, created_at, launched_at, finished_at, report)
     select p.id, t.name, 1, p.phase, case p.phase when 'Failed' then 'OutOfMemory' end, p.end_at, p.end_at, p.end_at + interval '1 minute',
       jsonb_build_object('attemptId', p.id || '.' || t.name || '.1', 'outcome', p.phase, 'reason', null, 'startedAt', p.end_at, 'finishedAt', p.end_at,
         'durationMs', 60000, 'peakMemoryBytes', 240000000, 'partial', false, 'sample', null, 'blocks', jsonb_build_array(jsonb_build_object(
           'name', t.name, 'kind', 'transform.sql', 'rows', p.id % 100000, 'bytes', null, 'durationMs', 1000, 'checks', '[]'::jsonb)))
     from past p join version_tasks t using (version_id) order by p.id`,
    `insert into logs (run_id, task, number, size, closed_at) select id, 'one', 1, 100, end_at from past where id % 10 = 0 order by id`,
    'drop table past',
    'vacuum analyze',
  ];
}

/** As `ensure_partitions` made them in their time. */
function partitions(months: number): string {
  return `do $$
    declare parent text; month timestamptz;
    begin
      for i in 0..${months + 1} loop
        month := date_trunc('month', now(), 'UTC') - make_interval(months => i);
        foreach parent in array array['runs', 'tasks', 'attempts', 'logs', 'log_chunks'] loop
          execute format('create table if not exists %I partition of %I for values from (%s) to (%s)',
            parent || to_char(month at time zone 'UTC', '_YYYY_MM'), parent, time_id(month), time_id(date_trunc('month', month + interval '40 days', 'UTC')));
        end loop;
      end loop;
    end $$`;
}

/** Lets windows of the first `pipelines` pipelines be due now: one each, of the day that has just closed. */
export async function makeDue(pool: pg.Pool, pipelines: number): Promise<void> {
  await pool.query(
    `update pipelines set cursor_at = date_trunc('day', now(), 'UTC') - interval '1 day', next_due_at = now()
     where id in (select id from pipelines where calendar_id is not null order by id limit $1)`,
    [pipelines],
  );
}
