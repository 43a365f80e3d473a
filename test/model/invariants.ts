import { capacity, type World } from './world.ts';

/** Each line is one thing that is wrong with the ledger as it stands, whatever happened before. */
const always = `
  select 'two live runs of window ' || window_start as wrong from runs where phase in ('Queued', 'Running') and window_start is not null
    group by pipeline_id, calendar_id, window_start having count(*) > 1
  union all
  select 'live run ' || r.name || ' is not that of its window' from runs r
    where r.phase in ('Queued', 'Running') and r.window_start is not null and not exists (select from windows w
      where w.pipeline_id = r.pipeline_id and w.calendar_id = r.calendar_id and w.start_at = r.window_start and w.live_run_id = r.id and w.phase = r.phase)
  union all
  select 'window ' || w.label || ' holds a run that is not live' from windows w
    where w.live_run_id is not null and not exists (select from runs r where r.id = w.live_run_id and r.phase in ('Queued', 'Running'))
  union all
  select 'window ' || w.label || ' shows ' || w.phase || ' where its last run is ' || r.phase from windows w join runs r on r.id = w.last_run_id
    where w.phase <> r.phase
  union all
  select 'window ' || w.label || ' has counted ' || w.last_run_no || ' runs of ' || n.runs from windows w
    cross join lateral (select count(*) as runs, coalesce(max(run_no), 0) as last from runs r
      where r.pipeline_id = w.pipeline_id and r.calendar_id = w.calendar_id and r.window_start = w.start_at) n
    where n.runs <> w.last_run_no or n.last <> w.last_run_no
  union all
  select 'windows ' || a.label || ' and ' || b.label || ' overlap' from windows a join windows b on a.pipeline_id = b.pipeline_id
    and (a.start_at, a.calendar_id) < (b.start_at, b.calendar_id) and b.start_at < a.end_at
  union all
  select 'two runs are called ' || name from runs group by name having count(*) > 1
  union all
  select count(*) || ' live attempts in ${capacity} slots' from attempts where phase in ('Claimed', 'Running') having count(*) > ${capacity}
  union all
  select 'backfill ' || b.name || ' waits for window ' || w.label || ', whose run is over' from backfill_windows w
    join backfills b on b.id = w.backfill_id join runs r on r.id = w.run_id where w.phase is null and r.phase not in ('Queued', 'Running')
  union all
  select 'run ' || name || ' was ' || phase || ' without a reason' from runs where phase in ('Failed', 'Cancelled', 'Skipped') and reason is null`;

/** What must be gone once all has been let go on and nothing more is asked for. */
const live = `
  select 'run ' || name || ' is still ' || phase as wrong from runs where phase in ('Queued', 'Running')
  union all select 'task ' || name || ' is still ' || phase from tasks where phase in ('Pending', 'Ready', 'Running')
  union all select 'attempt of ' || task || ' is still ' || phase from attempts where phase in ('Claimed', 'Running')
  union all select 'backfill ' || name || ' is still Running' from backfills where phase = 'Running'
  union all select 'a window of a backfill is still open' from backfill_windows where phase is null
  union all select 'request ' || id || ' has no answer' from requests where handled_at is null`;

/** Every request that was granted has one audit row by whom it came from, every refused one a sentence and none. */
const audited = `
  select kind || ': ' || granted || ' granted, ' || rows || ' audit rows' as wrong
  from (select kind, count(*) filter (where not result ? 'error') as granted from requests group by kind) r
    cross join lateral (select count(*) as rows from audit a where a.verb = r.kind and a.actor = 'model') a where granted <> rows
  union all select 'request ' || id || ' failed: ' || (result->>'error') from requests where result->>'code' = 'internal'
  union all select 'version ' || v.id || ' has no audit row' from versions v join pipelines p on p.id = v.pipeline_id
    where not exists (select from audit a where a.verb = 'version' and a.subject = p.name and a.details->>'version' = v.digest)`;

async function wrong(world: World, name: string, sql: string): Promise<string[]> {
  return (await world.prepared(name, sql)).map((row: { wrong: string }) => row.wrong);
}

export const wrongNow = (world: World) => wrong(world, 'always', always);
export const stillLive = (world: World) => wrong(world, 'live', live);
export const notAudited = (world: World) => wrong(world, 'audited', audited);

export type Busy = ReadonlyMap<string, { readonly running: number; readonly limit: number | null }>;

/** How many runs are admitted under each limit: the pipeline's own (`''`), and those of backfills that have one. */
export async function busy(world: World): Promise<Busy> {
  const rows = await world.prepared(
    'busy',
    `select b.name, b.max_active_runs as "limit", (select count(*) from runs where backfill_id = b.id and phase = 'Running') as running from backfills b
     union all
     select '', (select v.max_active_runs from pipelines p join versions v on v.id = p.version_id), (select count(*) from runs r
       where phase = 'Running' and not exists (select from backfills b where b.id = r.backfill_id and b.max_active_runs is not null))`,
  );
  return new Map(
    rows.map(({ name, ...counts }: { name: string; running: number; limit: number | null }) => [name, counts]),
  );
}

/** A lowered limit ends nothing, but while more than it run, no further one begins. */
export function overfull(before: Busy, after: Busy): string[] {
  return [...after].flatMap(([name, { running, limit }]) => {
    if (name !== '' && limit === null) return [];
    const was = before.get(name);
    const most = Math.max(limit ?? 0, was?.limit ?? 0, was?.running ?? 0);
    return running > most ? [`${running} runs under ${name || 'the pipeline'}, whose limit is ${most}`] : [];
  });
}
