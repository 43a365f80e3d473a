import type pg from 'pg';
import type { SkippedRange, WindowList, WindowRow } from '../../schemas/generated/types.ts';
import type { WindowsQuery } from './reads.ts';
import { cutPage, iso, isoOrNull, PageError } from './reads-page.ts';
import { markColumn, staleColumn, staleJoins } from './stale.ts';

/** More stretches than this between the windows of one page are cut off at the oldest. */
const skippedLimit = 1000;

type Row = Pick<WindowRow, 'label' | 'phase' | 'reason' | 'runNo' | 'run' | 'stale' | 'mark'> & {
  readonly calendarId: number;
  readonly startAt: Date;
  readonly endAt: Date;
  readonly dueAt: Date;
  readonly lateAt: Date | null;
};

export async function readWindows(pool: pg.Pool, pipeline: string, query: WindowsQuery): Promise<WindowList | null> {
  const before = query.before === undefined ? null : keyOf(query.before);
  const { rows: found } = await pool.query<{ id: number; timeZone: string | null }>(
    `select p.id, c.spec ->> 'timeZone' as "timeZone" from pipelines p left join calendars c on c.id = p.calendar_id where p.name = $1`,
    [pipeline],
  );
  const head = found[0];
  if (!head) return null;
  const { page, more } = cutPage(await windowRows(pool, head.id, before, query.limit + 1), query.limit);
  const last = page.at(-1);
  const next = more && last ? `${iso(last.startAt)}~${last.calendarId}` : null;
  // Each stretch belongs to one page: to the one whose windows lie around its start.
  const skipped = await skippedRanges(pool, head.id, {
    from: next && last ? last.startAt : null,
    before: before?.start ?? null,
  });
  return { pipeline, timeZone: head.timeZone, windows: page.map(windowRow), skipped, next };
}

/** The calendar is part of the key: a window that was asked for by name can begin where one of an older calendar does. */
function keyOf(before: string): { start: Date; calendarId: number } {
  const match = /^(\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)~(\d{1,15})$/.exec(before);
  const start = new Date(match?.[1] ?? Number.NaN);
  if (!match || Number.isNaN(start.getTime())) throw new PageError(before);
  return { start, calendarId: Number(match[2]) };
}

async function windowRows(
  pool: pg.Pool,
  pipelineId: number,
  before: { start: Date; calendarId: number } | null,
  limit: number,
): Promise<Row[]> {
  const { rows } = await pool.query<Row>(
    `select w.calendar_id as "calendarId", w.start_at as "startAt", w.end_at as "endAt", w.label, w.due_at as "dueAt", w.phase, w.reason,
            w.last_run_no as "runNo", r.name as run, w.late_at as "lateAt", ${staleColumn}, ${markColumn}
     from windows w left join runs r on r.id = w.last_run_id ${staleJoins}
     where w.pipeline_id = $1 ${before ? 'and w.start_at <= $3 and (w.start_at, w.calendar_id) < ($3, $4)' : ''}
     order by w.start_at desc, w.calendar_id desc limit $2`,
    before ? [pipelineId, limit, before.start, before.calendarId] : [pipelineId, limit],
  );
  return rows;
}

function windowRow({ calendarId: _, startAt, endAt, dueAt, lateAt, ...row }: Row): WindowRow {
  return { start: iso(startAt), end: iso(endAt), dueAt: iso(dueAt), lateAt: isoOrNull(lateAt), ...row };
}

async function skippedRanges(
  pool: pg.Pool,
  pipelineId: number,
  bounds: { from: Date | null; before: Date | null },
): Promise<SkippedRange[]> {
  const { rows } = await pool.query(
    `select start_at, end_at, windows, reason from skipped_ranges
     where pipeline_id = $1 and start_at >= coalesce($2, '-infinity'::timestamptz) and start_at < coalesce($3, 'infinity'::timestamptz)
     order by start_at desc limit $4`,
    [pipelineId, bounds.from, bounds.before, skippedLimit],
  );
  return rows.map((row) => ({
    start: iso(row.start_at),
    end: iso(row.end_at),
    windows: row.windows,
    reason: row.reason,
  }));
}
