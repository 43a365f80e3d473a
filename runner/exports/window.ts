import { type DuckDBDataChunk, type DuckDBType, DuckDBTypeId } from '@duckdb/node-api';
import { Temporal } from 'temporal-polyfill';
import type { OrderWindow } from '../../schemas/generated/types.ts';
import { TaskFailure } from '../errors.ts';
import { columnVector, isValid } from './copy/vector.ts';

/** A window on the time line of a column, in microseconds since 1970: instants, or the calendar's wall clock. */
export type Bounds = { start: number; end: number; zoned: boolean };

/** Microseconds since 1970 of a raw value; exact for everything near a window. */
type Micros = (value: number) => number;

const micros: ReadonlyMap<DuckDBTypeId, Micros> = new Map<DuckDBTypeId, Micros>([
  [DuckDBTypeId.TIMESTAMP_TZ, (value) => value],
  [DuckDBTypeId.TIMESTAMP, (value) => value],
  [DuckDBTypeId.TIMESTAMP_S, (value) => value * 1e6],
  [DuckDBTypeId.TIMESTAMP_MS, (value) => value * 1e3],
  [DuckDBTypeId.TIMESTAMP_NS, (value) => Math.round(value / 1e3)],
  [DuckDBTypeId.DATE, (value) => value * 86_400e6],
]);

/**
 * Where the window lies for a `by` column of this type. A column without a zone is read in the calendar's; throws
 * `InvalidInput` where that is ambiguous, `SchemaMismatch` for a type that tells no time.
 */
export function boundsFor(column: { name: string; type: DuckDBType }, window: OrderWindow, timeZone: string): Bounds {
  if (!micros.has(column.type.typeId)) {
    const wayOut = 'it must be a TIMESTAMP WITH TIME ZONE, TIMESTAMP or DATE; cast it in SQL';
    throw new TaskFailure(
      'SchemaMismatch',
      `write.by: column "${column.name}" is ${column.type}, which tells no window; ${wayOut}`,
    );
  }
  const zoned = column.type.typeId === DuckDBTypeId.TIMESTAMP_TZ;
  if (!zoned) refuseFold(column.name, window, timeZone);
  const place = (at: string): number => {
    const instant = Temporal.Instant.from(new Date(at).toISOString());
    const offset = zoned ? 0 : instant.toZonedDateTimeISO(timeZone).offsetNanoseconds / 1000;
    return instant.epochMilliseconds * 1000 + offset;
  };
  return { start: place(window.start), end: place(window.end), zoned };
}

/** When clocks go back, an hour of wall-clock time happens twice: a window that ends within it cannot tell its rows. */
function refuseFold(column: string, window: OrderWindow, timeZone: string): void {
  const edge = [window.start, window.end].find((at) => isWithinFold(new Date(at).getTime(), timeZone));
  if (edge === undefined) return;
  const fact = `window ${window.label} begins or ends in the hour that clocks in ${timeZone} repeat`;
  throw new TaskFailure(
    'InvalidInput',
    `write.by: column "${column}" has no time zone, and ${fact}; make it TIMESTAMP WITH TIME ZONE, or use write.tag`,
  );
}

const dayMs = 86_400_000;

function isWithinFold(atMs: number, timeZone: string): boolean {
  let transition = Temporal.Instant.fromEpochMilliseconds(atMs - 2 * dayMs)
    .toZonedDateTimeISO(timeZone)
    .getTimeZoneTransition('next');
  while (transition && transition.epochMilliseconds < atMs + 2 * dayMs) {
    const before = transition.subtract({ nanoseconds: 1 }).offsetNanoseconds;
    const repeatedMs = (before - transition.offsetNanoseconds) / 1e6;
    if (Math.abs(atMs - transition.epochMilliseconds) < repeatedMs) return true;
    transition = transition.getTimeZoneTransition('next');
  }
  return false;
}

/** The predicate that finds the window's rows in the table, and its parameters. */
export function windowPredicate(
  quotedColumn: string,
  { start, end, zoned }: Bounds,
): { sql: string; parameters: string[] } {
  const type = zoned ? 'timestamptz' : 'timestamp';
  const parameters = [start, end].map((at) => new Date(at / 1000).toISOString().slice(0, zoned ? 24 : 23));
  return { sql: `${quotedColumn} >= $1::${type} and ${quotedColumn} < $2::${type}`, parameters };
}

export type WindowFilter = {
  /** For each row of a chunk 1 when it lies in the window; undefined when all do. */
  keep(chunk: DuckDBDataChunk): Uint8Array | undefined;
  /** Rows so far that do not, and the first of them as text. */
  outside(): { rows: number; example: string };
};

export function createWindowFilter(column: { index: number; type: DuckDBType }, bounds: Bounds): WindowFilter {
  const { index, type } = column;
  const toMicros = micros.get(type.typeId) ?? ((value: number) => value);
  let rows = 0;
  let example = '';

  return {
    outside: () => ({ rows, example }),
    keep(chunk) {
      const { data, validity } = columnVector(chunk, index, type);
      const keep = new Uint8Array(chunk.rowCount);
      let kept = 0;
      for (let row = 0; row < keep.length; row++) {
        if (validity !== null && !isValid(validity, row)) continue;
        const value = toMicros(type.typeId === DuckDBTypeId.DATE ? data.getInt32(row * 4, true) : readInt64(data, row));
        if (value < bounds.start || value >= bounds.end) continue;
        keep[row] = 1;
        kept++;
      }
      if (kept === keep.length) return undefined;
      if (rows === 0) example = String(chunk.getColumnVector(index).getItem(keep.indexOf(0)) ?? 'null');
      rows += keep.length - kept;
      return keep;
    },
  };
}

function readInt64(data: DataView, row: number): number {
  return data.getInt32(row * 8 + 4, true) * 2 ** 32 + data.getUint32(row * 8, true);
}
