import type { DuckDBEnumType } from '@duckdb/node-api';
import type { FieldWriter, Target } from './fields.ts';
import { lengthBytes, putBytes, wroteNull } from './fields.ts';
import type { Vector } from './vector.ts';
import { bytesAtPointer, enumBytes, inlineLimit, isValid, stringBytes } from './vector.ts';

/** The bytes of VARCHAR (UTF-8 in DuckDB) and BLOB as they are, never made into a JavaScript string. */
export const bytes: FieldWriter = stringWriter(null);

/** jsonb: a version byte before the text. */
export const jsonb: FieldWriter = stringWriter(1);

function stringWriter(prefix: number | null): FieldWriter {
  const extra = prefix === null ? 0 : 1;
  return (vector) => {
    const lengths = new Int32Array(vector.rows);
    for (let row = 0; row < vector.rows; row++) lengths[row] = vector.data.getInt32(row * stringBytes, true) + extra;
    const longAt = longStrings(vector);
    return {
      lengths,
      write(target, positions, from, to) {
        for (let row = from; row < to; row++) {
          if (wroteNull(vector, target, positions, row)) continue;
          const length = (lengths[row] as number) - extra;
          const position = positions[row] as number;
          const start = position + lengthBytes + extra;
          target.view.setInt32(position, length + extra);
          if (prefix !== null) target.view.setUint8(position + lengthBytes, prefix);
          if (length <= inlineLimit) putInline(target, start, vector.data, row * stringBytes + 4, length);
          else longAt(row, length, target.bytes, start);
          positions[row] = start + length;
        }
      },
    };
  };
}

function putInline({ view }: Target, position: number, data: DataView, offset: number, length: number): void {
  for (let index = 0; index < length; index++) view.setUint8(position + index, data.getUint8(offset + index));
}

/** Below this many bytes a loop is quicker than a call. */
const callWorthwhile = 48;

/**
 * Copies a string that lies elsewhere. DuckDB puts the strings of a chunk one right after the other, and each look at an
 * address is a call into native code: so a whole stretch of them is looked at with one call.
 */
function longStrings(vector: Vector): (row: number, length: number, into: Uint8Array, position: number) => void {
  let stretch: Uint8Array = new Uint8Array(0);
  let stretchStart = 0;
  return (row, length, into, position) => {
    const address = addressAt(vector.data, row);
    let offset = address - stretchStart;
    if (offset < 0 || offset + length > stretch.length) {
      stretch = bytesAtPointer(vector.data, row * stringBytes + 8, stretchLength(vector, row));
      stretchStart = address;
      offset = 0;
    }
    if (length < callWorthwhile)
      for (let index = 0; index < length; index++) into[position + index] = stretch[offset + index] as number;
    else into.set(stretch.subarray(offset, offset + length), position);
  };
}

/** Bytes from this row's string to the end of the last one that lies without a gap behind it. */
function stretchLength(vector: Vector, first: number): number {
  const { data, validity, rows } = vector;
  const start = addressAt(data, first);
  let end = start;
  for (let row = first; row < rows; row++) {
    const length = data.getUint32(row * stringBytes, true);
    if (length <= inlineLimit || (validity !== null && !isValid(validity, row))) continue;
    if (addressAt(data, row) !== end) break;
    end += length;
  }
  return end - start;
}

/** An address as a number: they have 48 bits. */
function addressAt(data: DataView, row: number): number {
  return data.getUint32(row * stringBytes + 12, true) * 2 ** 32 + data.getUint32(row * stringBytes + 8, true);
}

/** The label of each value, encoded once. */
export function enumWriter(type: DuckDBEnumType): FieldWriter {
  const encoder = new TextEncoder();
  const labels = type.values.map((label) => encoder.encode(label));
  const width = enumBytes(type);
  return (vector) => {
    const labelAt = (row: number): Uint8Array => labels[readIndex(vector.data, row, width)] ?? new Uint8Array(0);
    const lengths = new Int32Array(vector.rows);
    for (let row = 0; row < vector.rows; row++) lengths[row] = labelAt(row).length;
    return {
      lengths,
      write(target, positions, from, to) {
        for (let row = from; row < to; row++) {
          if (wroteNull(vector, target, positions, row)) continue;
          positions[row] = putBytes(target, positions[row] as number, labelAt(row));
        }
      },
    };
  };
}

function readIndex(data: DataView, row: number, width: 1 | 2 | 4): number {
  if (width === 1) return data.getUint8(row);
  return width === 2 ? data.getUint16(row * 2, true) : data.getUint32(row * 4, true);
}
