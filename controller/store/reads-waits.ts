import type pg from 'pg';
import type { Limits } from './admission.ts';

type QueuedRow = {
  readonly pipeline: string;
  readonly source: string;
  readonly backfill: string | null;
  readonly suspended: boolean;
  readonly ownLimit: number | null;
  readonly most: number;
  readonly beside: number;
  readonly ofSource: number;
  readonly ofAll: number;
  readonly pool: string | null;
  readonly slots: number | null;
  readonly held: number;
};

/** How many slots of a pool are held, from live rows. */
export const heldOf = (pool: string) => `(select count(*) from runs where phase = 'Running' and pool_id = ${pool})
  + (select count(*) from attempts where phase in ('Claimed', 'Running') and pool_id = ${pool})`;

/** What a queued run waits for, in a sentence: the narrowest limit that has no room for it. */
export async function waitOfRun(pool: pg.Pool, runId: number, limits: Limits): Promise<string | null> {
  const { rows } = await pool.query<QueuedRow>(
    `select p.name as pipeline, s.name as source, b.name as backfill, coalesce(b.suspended, false) as suspended,
            b.max_active_runs as "ownLimit", coalesce(b.max_active_runs, today.max_active_runs) as most, u.*,
            o.name as pool, o.slots, ${heldOf('o.id')} as held
     from runs r join pipelines p on p.id = r.pipeline_id join sources s on s.id = p.source_id join versions today on today.id = p.version_id
       join versions v on v.id = case when r.keeps_version then r.version_id else p.version_id end
       left join backfills b on b.id = r.backfill_id left join pools o on o.source_id = p.source_id and o.name = v.pool
       cross join lateral (
         select count(*) as "ofAll", count(*) filter (where x.source_id = p.source_id) as "ofSource",
           count(*) filter (where x.id = p.id and f.id is not distinct from case when b.max_active_runs is not null then b.id end) as beside
         from runs n join pipelines x on x.id = n.pipeline_id
           left join backfills f on f.id = n.backfill_id and f.max_active_runs is not null
         where n.phase = 'Running'
       ) u
     where r.id = $1 and r.phase = 'Queued' and r.cancel_requested_at is null`,
    [runId],
  );
  return rows[0] ? sentence(rows[0], limits) : null;
}

function sentence(row: QueuedRow, { maxActiveRuns, maxActiveRunsPerSource }: Limits): string {
  const place = (used: number, most: number, whose: string) =>
    `waits for a place: ${used} of ${most} runs of ${whose} are running`;
  if (row.suspended) return `waits for backfill "${row.backfill}", which is suspended, to go on`;
  const whose = row.ownLimit === null ? `pipeline "${row.pipeline}"` : `backfill "${row.backfill}"`;
  if (row.beside >= row.most) return place(row.beside, row.most, whose);
  if (row.pool !== null && row.held >= (row.slots ?? 0)) return slotSentence(row.pool, row.held, row.slots ?? 0);
  if (maxActiveRunsPerSource !== undefined && row.ofSource >= maxActiveRunsPerSource)
    return place(row.ofSource, maxActiveRunsPerSource, `source "${row.source}"`);
  if (maxActiveRuns !== undefined && row.ofAll >= maxActiveRuns)
    return place(row.ofAll, maxActiveRuns, 'all pipelines');
  return 'waits for its turn';
}

function slotSentence(pool: string, held: number, slots: number): string {
  return `waits for a slot of pool "${pool}" (${held} of ${slots} in use)`;
}

/** What the ready tasks of a run wait for, by task, in a sentence. */
export async function waitsOfTasks(pool: pg.Pool, runId: number): Promise<ReadonlyMap<string, string>> {
  const { rows } = await pool.query<{
    task: string;
    until: Date | null;
    pool: string | null;
    slots: number;
    held: number;
  }>(
    `select t.name as task, case when t.not_before > now() then t.not_before end as until, o.name as pool, o.slots, ${heldOf('o.id')} as held
     from tasks t join runs r on r.id = t.run_id join pipelines p on p.id = r.pipeline_id
       left join pools o on o.source_id = p.source_id and o.name = t.pool
     where t.run_id = $1 and t.phase = 'Ready'`,
    [runId],
  );
  return new Map(
    rows.map(({ task, until, pool: name, slots, held }) => {
      if (until) return [task, `waits until ${until.toISOString()} for its next attempt`];
      return [task, name !== null && held >= slots ? slotSentence(name, held, slots) : 'waits for its turn'];
    }),
  );
}
