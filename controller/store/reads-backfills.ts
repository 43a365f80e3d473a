import type pg from 'pg';
import type { BackfillSummary, BackfillWindow } from '../../schemas/generated/types.ts';
import { iso, isoOrNull } from './reads-page.ts';

const most = 1000;
/** With fewer ends than these in the last ten minutes, the rate is that of all the time. */
const telling = 10;
const recentMinutes = 10;

/**
 * What a backfill is and how far its windows are, for `from backfills b join pipelines p`; counted from its windows.
 * `ended`: those whose runs have ended since it was started, `recent`: of these, in the last minutes.
 */
export const backfillColumns = `b.id, b.name, p.name as pipeline, b.from_at as "from", b.to_at as "to", b.rerun, b.ordering as "order", b.version,
  b.max_active_runs as "maxActiveRuns", b.priority, b.phase, b.reason, b.message, b.suspended, b.actor, b.created_at as "createdAt",
  b.started_at as "startedAt", b.finished_at as "finishedAt", w.*, now() as now`;
export const backfillCounts = `cross join lateral (
    select count(*) as total, count(*) filter (where phase is null and run_id is null) as waiting,
      count(*) filter (where phase is null and run_id is not null) as live,
      count(*) filter (where phase in ('Succeeded', 'Skipped')) as succeeded,
      count(*) filter (where phase = 'Failed') as failed, count(*) filter (where phase = 'Cancelled') as cancelled,
      count(*) filter (where ended_at >= b.started_at) as ended,
      count(*) filter (where ended_at >= greatest(b.started_at, now() - interval '${recentMinutes} minutes')) as recent
    from backfill_windows where backfill_id = b.id
  ) w`;

/** Newest first; of one pipeline, or the one of that name. */
export async function readBackfills(
  pool: pg.Pool,
  { pipeline, name }: { pipeline?: string | undefined; name?: string | undefined },
): Promise<BackfillSummary[]> {
  const { rows } = await pool.query<BackfillRow>(
    `select ${backfillColumns} from backfills b join pipelines p on p.id = b.pipeline_id ${backfillCounts}
     where ($1::text is null or p.name = $1) and ($2::text is null or b.name = $2)
     order by b.id desc limit ${most}`,
    [pipeline ?? null, name ?? null],
  );
  return rows.map(backfillSummary);
}

export type BackfillRow = Omit<
  BackfillSummary,
  'from' | 'to' | 'windows' | 'ratePerMinute' | 'expectedEndAt' | 'createdAt' | 'startedAt' | 'finishedAt'
> &
  BackfillSummary['windows'] & {
    readonly id: number;
    readonly from: Date;
    readonly to: Date;
    readonly createdAt: Date;
    readonly startedAt: Date;
    readonly finishedAt: Date | null;
    readonly ended: number;
    readonly recent: number;
    readonly now: Date;
  };

export function backfillSummary(row: BackfillRow): BackfillSummary {
  const { id, total, waiting, live, succeeded, failed, cancelled, ended, recent, now, ...more } = row;
  const rate = ratePerMinute(row);
  const isOn = row.phase === 'Running' && !row.suspended;
  return {
    ...more,
    from: iso(row.from),
    to: iso(row.to),
    windows: { total, waiting, live, succeeded, failed, cancelled },
    ratePerMinute: rate === null ? null : Number(rate.toPrecision(3)),
    expectedEndAt: rate !== null && isOn ? iso(new Date(now.getTime() + ((waiting + live) / rate) * 60_000)) : null,
    createdAt: iso(row.createdAt),
    startedAt: iso(row.startedAt),
    finishedAt: isoOrNull(row.finishedAt),
  };
}

/** Null before the first run has ended. Windows that were served by what they had took no time and do not count. */
function ratePerMinute({ ended, recent, startedAt, finishedAt, now }: BackfillRow): number | null {
  const minutes = ((finishedAt ?? now).getTime() - startedAt.getTime()) / 60_000;
  if (ended === 0 || minutes <= 0) return null;
  return finishedAt === null && recent >= telling ? recent / Math.min(recentMinutes, minutes) : ended / minutes;
}

export type BackfillWindows = {
  readonly pipeline: string;
  readonly windows: readonly BackfillWindow[];
  readonly next: number | null;
};

/** The windows of a backfill behind a place in their order. Null when there is no such backfill. */
export async function readBackfillWindows(
  pool: pg.Pool,
  { name, after, limit }: { name: string; after: number; limit: number },
): Promise<BackfillWindows | null> {
  const { rows: found } = await pool.query(
    'select b.id, p.name as pipeline from backfills b join pipelines p on p.id = b.pipeline_id where b.name = $1',
    [name],
  );
  if (found.length === 0) return null;
  const { rows } = await pool.query(
    `select w.position, w.label, w.start_at as start, w.end_at as "end", coalesce(w.phase, r.phase, 'Waiting') as phase, r.reason, r.name as run,
            case when r.admitted_at is not null or r.keeps_version then v.digest end as version
     from backfill_windows w left join runs r on r.id = w.run_id left join versions v on v.id = r.version_id
     where w.backfill_id = $1 and w.position > $2 order by w.position limit $3`,
    [found[0].id, after, limit + 1],
  );
  const windows = rows.slice(0, limit).map((row) => ({ ...row, start: iso(row.start), end: iso(row.end) }));
  return { pipeline: found[0].pipeline, windows, next: rows.length > limit ? windows[limit - 1].position : null };
}
