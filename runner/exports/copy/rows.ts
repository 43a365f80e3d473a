import type { DuckDBDataChunk, DuckDBType } from '@duckdb/node-api';
import { TaskFailure } from '../../errors.ts';
import { type Fields, type FieldWriter, lengthBytes, type Target, UnwritableValue } from './fields.ts';
import { columnVector, isValid, type Vector } from './vector.ts';

/** A column as it goes into rows: from a chunk's column, or the same bytes in each row. */
export type RowColumn =
  | { name: string; index: number; type: DuckDBType; writer: FieldWriter }
  | { name: string; constant: Uint8Array };

/** Bytes before each row's fields: how many there are. */
const rowHeaderBytes = 2;

/** Rows that are written column by column at a time: what they take fits into the processor's nearest cache. */
const rowsPerBlock = 256;

export const copyHeader: Uint8Array = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
export const copyTrailer: Uint8Array = Buffer.from([0xff, 0xff]);

/** A buffer takes whole rows up to about this many bytes, so that memory does not grow with the size of values. */
const bytesPerBuffer = 1024 * 1024;

/**
 * Encodes a chunk as rows of binary COPY, in buffers of about 1 MiB. `keep` says for each row whether it is wanted (1) or
 * not (0). Throws `InvalidInput` when a value has no form in the target's type.
 */
export type RowEncoder = (chunk: DuckDBDataChunk, keep?: Uint8Array) => Iterable<Uint8Array>;

/** Gives memory for so many bytes, whose contents do not matter. */
export type Allocate = (bytes: number) => Buffer;

export function createRowEncoder(columns: readonly RowColumn[], allocate: Allocate): RowEncoder {
  return function* encode(chunk, keep) {
    const rows = chunk.rowCount;
    const parts = columns.map((column) => ('constant' in column ? constantPart(column) : vectorPart(column, chunk)));
    const sizes = rowSizes(parts, rows);
    for (let from = 0; from < rows; ) {
      const layout = layOut(sizes, from, keep);
      yield encodeRows(parts, layout, from, allocate(layout.capacity));
      from = layout.end;
    }
  };
}

function encodeRows(
  parts: readonly Part[],
  { positions, end, total }: Layout,
  first: number,
  memory: Buffer,
): Uint8Array {
  const target: Target = { bytes: memory, view: new DataView(memory.buffer, memory.byteOffset, memory.length) };
  for (let from = first; from < end; from += rowsPerBlock) {
    const to = Math.min(from + rowsPerBlock, end);
    for (let row = from; row < to; row++) {
      target.view.setInt16(positions[row] as number, parts.length);
      positions[row] = (positions[row] as number) + rowHeaderBytes;
    }
    for (const part of parts) naming(part.name, () => part.fields.write(target, positions, from, to));
  }
  return memory.subarray(0, total);
}

type Part = { name: string; validity: Uint8Array | null; fields: Fields };

function vectorPart(
  { name, index, type, writer }: Extract<RowColumn, { index: number }>,
  chunk: DuckDBDataChunk,
): Part {
  const vector: Vector = columnVector(chunk, index, type);
  return { name, validity: vector.validity, fields: naming(name, () => writer(vector)) };
}

function constantPart({ name, constant }: { name: string; constant: Uint8Array }): Part {
  const write: Fields['write'] = ({ view, bytes }, positions, from, to) => {
    for (let row = from; row < to; row++) {
      const position = positions[row] as number;
      view.setInt32(position, constant.length);
      bytes.set(constant, position + lengthBytes);
      positions[row] = position + lengthBytes + constant.length;
    }
  };
  return { name, validity: null, fields: { lengths: constant.length, write } };
}

type Layout = { positions: Int32Array; end: number; total: number; capacity: number };

/**
 * Where the rows from `first` up to `end` begin in a buffer. Rows that are not wanted are all put at the same place behind
 * the others, which is cut off: so the writers need not ask.
 */
function layOut(sizes: Int32Array, first: number, keep: Uint8Array | undefined): Layout {
  const positions = new Int32Array(sizes.length);
  let end = first;
  let total = 0;
  let largestUnwanted = 0;
  for (; end < sizes.length && total < bytesPerBuffer; end++) {
    const size = sizes[end] as number;
    positions[end] = total;
    if (!keep || keep[end] === 1) total += size;
    else largestUnwanted = Math.max(largestUnwanted, size);
  }
  if (keep) for (let row = first; row < end; row++) if (keep[row] === 0) positions[row] = total;
  return { positions, end, total, capacity: total + largestUnwanted };
}

function rowSizes(parts: readonly Part[], rows: number): Int32Array {
  const sizes = new Int32Array(rows);
  let common = rowHeaderBytes;
  for (const { fields, validity } of parts) {
    common += lengthBytes;
    if (typeof fields.lengths !== 'number') addLengths(sizes, fields.lengths, validity);
    else if (validity === null) common += fields.lengths;
    else addWidth(sizes, fields.lengths, validity);
  }
  for (let row = 0; row < rows; row++) sizes[row] = (sizes[row] as number) + common;
  return sizes;
}

function addLengths(sizes: Int32Array, lengths: Int32Array, validity: Uint8Array | null): void {
  for (let row = 0; row < sizes.length; row++) {
    if (validity === null || isValid(validity, row)) sizes[row] = (sizes[row] as number) + (lengths[row] as number);
  }
}

function addWidth(sizes: Int32Array, width: number, validity: Uint8Array): void {
  for (let row = 0; row < sizes.length; row++) {
    if (isValid(validity, row)) sizes[row] = (sizes[row] as number) + width;
  }
}

function naming<T>(column: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof UnwritableValue)
      throw new TaskFailure('InvalidInput', `column "${column}": ${error.message}`, {}, error);
    throw error;
  }
}
