import type pg from 'pg';
import type { BackfillSummary } from '../../schemas/generated/types.ts';
import { iso, isoOrNull } from './reads-page.ts';

const most = 1000;

/** Newest first; of one pipeline, or the one of that name. Progress is counted from the windows. */
export async function readBackfills(
  pool: pg.Pool,
  { pipeline, name }: { pipeline?: string | undefined; name?: string | undefined },
): Promise<BackfillSummary[]> {
  const { rows } = await pool.query<Row>(
    `select b.name, p.name as pipeline, b.from_at as "from", b.to_at as "to", b.rerun, b.ordering as "order", b.version,
            b.max_active_runs as "maxActiveRuns", b.priority, b.phase, b.suspended, b.actor, b.created_at as "createdAt",
            b.finished_at as "finishedAt", w.*, now() as now
     from backfills b join pipelines p on p.id = b.pipeline_id
       cross join lateral (
         select count(*) as total, count(*) filter (where phase is null and run_id is null) as waiting,
           count(*) filter (where phase is null and run_id is not null) as live,
           count(*) filter (where phase in ('Succeeded', 'Skipped')) as succeeded,
           count(*) filter (where phase = 'Failed') as failed, count(*) filter (where phase = 'Cancelled') as cancelled
         from backfill_windows where backfill_id = b.id
       ) w
     where ($1::text is null or p.name = $1) and ($2::text is null or b.name = $2)
     order by b.id desc limit ${most}`,
    [pipeline ?? null, name ?? null],
  );
  return rows.map(summary);
}

type Row = Omit<
  BackfillSummary,
  'from' | 'to' | 'windows' | 'ratePerMinute' | 'expectedEndAt' | 'createdAt' | 'finishedAt'
> &
  BackfillSummary['windows'] & {
    readonly from: Date;
    readonly to: Date;
    readonly createdAt: Date;
    readonly finishedAt: Date | null;
    readonly now: Date;
  };

function summary({ total, waiting, live, succeeded, failed, cancelled, now, ...row }: Row): BackfillSummary {
  const minutes = ((row.finishedAt ?? now).getTime() - row.createdAt.getTime()) / 60_000;
  const rate = succeeded + failed > 0 && minutes > 0 ? (succeeded + failed) / minutes : null;
  const isOn = row.phase === 'Running' && !row.suspended;
  return {
    ...row,
    from: iso(row.from),
    to: iso(row.to),
    windows: { total, waiting, live, succeeded, failed, cancelled },
    ratePerMinute: rate === null ? null : Math.round(rate * 10) / 10,
    expectedEndAt: rate !== null && isOn ? iso(new Date(now.getTime() + ((waiting + live) / rate) * 60_000)) : null,
    createdAt: iso(row.createdAt),
    finishedAt: isoOrNull(row.finishedAt),
  };
}
