import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type pg from 'pg';
import type { AttemptKey } from './reports.ts';

/** Of each attempt the first and the last bytes of text are kept, so many of both. */
const keptAtEachEnd = 5 * 1024 * 1024;
const chunksAtOnce = 16;

/** The last line of a source that is kept: its time as its node wrote it, and its place among lines of that very time, from 1. */
export type LineMark = { readonly time: string; readonly place: number };

/** How far the log of an attempt is kept. */
export type LogState = AttemptKey & {
  /** Whether the outcome of the attempt is kept. */
  readonly settled: boolean;
  readonly size: number;
  readonly endedSources: readonly string[];
  readonly source: string | null;
  readonly mark: LineMark | null;
  readonly closed: boolean;
  readonly incomplete: boolean;
};

type StateRow = Omit<LogState, 'mark'> & { readonly lineTime: string | null; readonly linePlace: number | null };

/** Of the attempts that the ledger knows. */
export async function readLogStates(pool: pg.Pool, keys: readonly AttemptKey[]): Promise<LogState[]> {
  if (keys.length === 0) return [];
  const { rows } = await pool.query<StateRow>(
    `select a.run_id as "runId", a.task, a.number, a.finished_at is not null as settled, coalesce(l.size, 0) as size,
            coalesce(l.ended_sources, '{}') as "endedSources", l.source, l.line_time as "lineTime", l.line_place as "linePlace",
            l.closed_at is not null as closed, coalesce(l.incomplete, false) as incomplete
     from jsonb_to_recordset($1) as k("runId" bigint, task text, number int)
       join attempts a on a.run_id = k."runId" and a.task = k.task and a.number = k.number
       left join logs l on l.run_id = a.run_id and l.task = a.task and l.number = a.number`,
    [JSON.stringify(keys)],
  );
  return rows.map(({ lineTime, linePlace, ...state }) => ({
    ...state,
    mark: lineTime === null || linePlace === null ? null : { time: lineTime, place: linePlace },
  }));
}

export type LogPiece = {
  /** The size of the log before it. */
  readonly at: number;
  readonly source: string;
  /** Whole lines, each begun by its time and a space. */
  readonly text: string;
  /** Its last line. */
  readonly mark: LineMark;
};

/**
 * Adds a piece to a log and returns the new size; null when the log is no longer of the size that the caller saw, or closed. What
 * lies between the first and the last bytes that are kept is dropped in the same statement.
 */
export async function appendLog(pool: pg.Pool, key: AttemptKey, piece: LogPiece): Promise<number | null> {
  const { at, source, text, mark } = piece;
  const bytes = Buffer.from(text);
  const { rows } = await pool.query(
    `with grown as (
       insert into logs as l (run_id, task, number, size, source, line_time, line_place)
       select $1, $2, $3, $4::bigint + $5::int, $6, $7, $8
       where $4 = 0 or exists (select from logs where run_id = $1 and task = $2 and number = $3)
       on conflict (run_id, task, number) do update
         set size = excluded.size, source = excluded.source, line_time = excluded.line_time, line_place = excluded.line_place
         where l.size = $4 and l.closed_at is null
       returning size
     ), added as (
       insert into log_chunks (run_id, task, number, start_at, size, source, content)
       select $1, $2, $3, $4, $5, $6, $9 from grown
     ), dropped as (
       delete from log_chunks c using grown
       where c.run_id = $1 and c.task = $2 and c.number = $3
         and c.start_at >= $10::bigint and c.start_at + c.size <= grown.size - $10::bigint
     )
     select size from grown`,
    [
      ...[key.runId, key.task, key.number, at, bytes.length, source, mark.time, mark.place],
      await promisify(gzip)(bytes),
      keptAtEachEnd,
    ],
  );
  return rows[0]?.size ?? null;
}

/** Notes that a source is kept to its end. False when the log is no longer of that size. */
export async function endLogSource(
  pool: pg.Pool,
  key: AttemptKey,
  { at, source }: Pick<LogPiece, 'at' | 'source'>,
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `insert into logs as l (run_id, task, number, ended_sources) values ($1, $2, $3, array[$4])
     on conflict (run_id, task, number) do update
       set ended_sources = array_append(array_remove(l.ended_sources, $4), $4), source = null, line_time = null, line_place = null
       where l.size = $5 and l.closed_at is null`,
    [key.runId, key.task, key.number, source, at],
  );
  return rowCount === 1;
}

/** Nothing is added to a log after this. `incomplete`: its rest could not be read. */
export async function closeLog(pool: pg.Pool, key: AttemptKey, { incomplete }: { incomplete: boolean }): Promise<void> {
  await pool.query(
    `insert into logs as l (run_id, task, number, closed_at, incomplete) values ($1, $2, $3, now(), $4)
     on conflict (run_id, task, number) do update set closed_at = now(), incomplete = $4 where l.closed_at is null`,
    [key.runId, key.task, key.number, incomplete],
  );
}

/** What is kept of a log, in the order it was written. */
export type KeptLog = { readonly source: string; readonly text: string } | { readonly droppedBytes: number };

export async function* readLog(pool: pg.Pool, key: AttemptKey): AsyncGenerator<KeptLog> {
  for (let at = 0; ; ) {
    const { rows } = await pool.query<{ start: number; size: number; source: string; content: Buffer }>(
      `select start_at as start, size, source, content from log_chunks
       where run_id = $1 and task = $2 and number = $3 and start_at >= $4 order by start_at limit $5`,
      [key.runId, key.task, key.number, at, chunksAtOnce],
    );
    for (const { start, size, source, content } of rows) {
      if (start > at) yield { droppedBytes: start - at };
      yield { source, text: (await promisify(gunzip)(content)).toString('utf8') };
      at = start + size;
    }
    if (rows.length < chunksAtOnce) return;
  }
}
