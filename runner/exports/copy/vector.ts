import type { DuckDBDataChunk, DuckDBType } from '@duckdb/node-api';
import { DuckDBDecimalType, DuckDBEnumType, DuckDBTypeId } from '@duckdb/node-api';
import duckdb, { type Vector as VectorHandle } from '@duckdb/node-bindings';

/**
 * The memory of a vector, as DuckDB laid it out (little-endian), without a copy: valid while the chunk is. The classes of
 * `@duckdb/node-api` make an object or a BigInt of every value, which costs more than all the rest of an export.
 */
export type Vector = {
  readonly rows: number;
  readonly data: DataView;
  /** One bit per row, the lowest first, 1 where there is a value; null when no row is null. */
  readonly validity: Uint8Array | null;
  readonly handle: VectorHandle;
};

export function columnVector(chunk: DuckDBDataChunk, column: number, type: DuckDBType): Vector {
  return vectorOf(duckdb.data_chunk_get_vector(chunk.chunk, column), chunk.rowCount, type);
}

/** The values of all rows of a LIST or ARRAY vector, one after the other. */
export function childVector(parent: Vector, type: DuckDBType, arrayLength: number | null): Vector {
  return arrayLength === null
    ? vectorOf(duckdb.list_vector_get_child(parent.handle), duckdb.list_vector_get_size(parent.handle), type)
    : vectorOf(duckdb.array_vector_get_child(parent.handle), parent.rows * arrayLength, type);
}

function vectorOf(handle: VectorHandle, rows: number, type: DuckDBType): Vector {
  const bytes = rows * bytesPerValue(type);
  const data = bytes === 0 ? new Uint8Array(0) : duckdb.vector_get_data(handle, bytes);
  // The type of the binding hides that a vector without nulls has no validity at all.
  const validity: Uint8Array | null = rows === 0 ? null : duckdb.vector_get_validity(handle, Math.ceil(rows / 64) * 8);
  return {
    rows,
    data: new DataView(data.buffer, data.byteOffset, data.byteLength),
    validity: validity ?? null,
    handle,
  };
}

export function isValid(validity: Uint8Array, row: number): boolean {
  return ((validity[row >> 3] as number) & (1 << (row & 7))) !== 0;
}

/** Bytes of a `string_t`: a length, then up to 12 bytes in place, or 4 and a pointer. */
export const stringBytes = 16;
export const inlineLimit = 12;

/** Bytes at the address that stands at `offset` of the vector's memory. */
export function bytesAtPointer(data: DataView, offset: number, length: number): Uint8Array {
  return duckdb.get_data_from_pointer(data.buffer as ArrayBuffer, data.byteOffset + offset, length);
}

const widths: ReadonlyMap<DuckDBTypeId, number> = new Map([
  [DuckDBTypeId.BOOLEAN, duckdb.sizeof_bool],
  [DuckDBTypeId.TINYINT, 1],
  [DuckDBTypeId.UTINYINT, 1],
  [DuckDBTypeId.SMALLINT, 2],
  [DuckDBTypeId.USMALLINT, 2],
  [DuckDBTypeId.INTEGER, 4],
  [DuckDBTypeId.UINTEGER, 4],
  [DuckDBTypeId.FLOAT, 4],
  [DuckDBTypeId.DATE, 4],
  [DuckDBTypeId.BIGINT, 8],
  [DuckDBTypeId.UBIGINT, 8],
  [DuckDBTypeId.DOUBLE, 8],
  [DuckDBTypeId.TIME, 8],
  [DuckDBTypeId.TIME_NS, 8],
  [DuckDBTypeId.TIME_TZ, 8],
  [DuckDBTypeId.TIMESTAMP, 8],
  [DuckDBTypeId.TIMESTAMP_S, 8],
  [DuckDBTypeId.TIMESTAMP_MS, 8],
  [DuckDBTypeId.TIMESTAMP_NS, 8],
  [DuckDBTypeId.TIMESTAMP_TZ, 8],
  [DuckDBTypeId.HUGEINT, 16],
  [DuckDBTypeId.UHUGEINT, 16],
  [DuckDBTypeId.UUID, 16],
  [DuckDBTypeId.INTERVAL, 16],
  [DuckDBTypeId.VARCHAR, stringBytes],
  [DuckDBTypeId.BLOB, stringBytes],
  [DuckDBTypeId.LIST, 16],
]);

/** 0 for types whose memory is not read directly. */
function bytesPerValue(type: DuckDBType): number {
  if (type instanceof DuckDBDecimalType) return decimalBytes(type.width);
  if (type instanceof DuckDBEnumType) return enumBytes(type);
  return widths.get(type.typeId) ?? 0;
}

export function decimalBytes(width: number): 2 | 4 | 8 | 16 {
  if (width <= 4) return 2;
  if (width <= 9) return 4;
  return width <= 18 ? 8 : 16;
}

export function enumBytes(type: DuckDBEnumType): 1 | 2 | 4 {
  if (type.internalTypeId === DuckDBTypeId.UTINYINT) return 1;
  return type.internalTypeId === DuckDBTypeId.USMALLINT ? 2 : 4;
}
