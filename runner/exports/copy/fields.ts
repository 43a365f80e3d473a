import type { Vector } from './vector.ts';
import { isValid } from './vector.ts';

/** Where rows are put together: the same memory seen as numbers and as bytes. */
export type Target = { readonly view: DataView; readonly bytes: Uint8Array };

/**
 * One column's values of a chunk on their way into rows of binary COPY, where each is a big-endian length and a body, or
 * the length -1 for null. All columns are written one after the other, so each row has a position that advances.
 */
export type Fields = {
  /** Bytes of the body: the same for all, or one number a row (what stands at a null row is not looked at). */
  readonly lengths: number | Int32Array;
  /** Writes the rows `from` up to `to`; `positions` holds a byte offset into the target for each row. */
  write(target: Target, positions: Int32Array, from: number, to: number): void;
};

export type FieldWriter = (vector: Vector) => Fields;

/** Bytes of a field's length, and all there is of a null. */
export const lengthBytes = 4;

/** Writes a null and returns true where the row has no value. */
export function wroteNull(vector: Vector, { view }: Target, positions: Int32Array, row: number): boolean {
  if (vector.validity === null || isValid(vector.validity, row)) return false;
  const position = positions[row] as number;
  view.setInt32(position, -1);
  positions[row] = position + lengthBytes;
  return true;
}

/** A writer for bodies of one width, from a function that puts one body at a byte offset. */
export function fixedWriter(
  width: number,
  put: (target: Target, position: number, vector: Vector, row: number) => void,
): FieldWriter {
  return (vector) => ({
    lengths: width,
    write(target, positions, from, to) {
      for (let row = from; row < to; row++) {
        if (wroteNull(vector, target, positions, row)) continue;
        const position = positions[row] as number;
        target.view.setInt32(position, width);
        put(target, position + lengthBytes, vector, row);
        positions[row] = position + lengthBytes + width;
      }
    },
  });
}

/** A writer for bodies that are made as bytes first; `bytesOf` is called once for each row that has a value. */
export function bytesWriter(bytesOf: (vector: Vector) => (row: number) => Uint8Array): FieldWriter {
  return (vector) => {
    const valueAt = bytesOf(vector);
    const values: Uint8Array[] = [];
    const lengths = new Int32Array(vector.rows);
    for (let row = 0; row < vector.rows; row++) {
      if (vector.validity !== null && !isValid(vector.validity, row)) continue;
      const bytes = valueAt(row);
      values[row] = bytes;
      lengths[row] = bytes.length;
    }
    return {
      lengths,
      write(target, positions, from, to) {
        for (let row = from; row < to; row++) {
          if (wroteNull(vector, target, positions, row)) continue;
          positions[row] = putBytes(target, positions[row] as number, values[row] as Uint8Array);
        }
      },
    };
  };
}

/** Writes a length and a body; returns the position after it. */
export function putBytes({ view, bytes }: Target, position: number, body: Uint8Array): number {
  view.setInt32(position, body.length);
  bytes.set(body, position + lengthBytes);
  return position + lengthBytes + body.length;
}

/** A value that the target cannot hold; the message is completed with the column's name. */
export class UnwritableValue extends Error {}
