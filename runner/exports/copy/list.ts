import type { DuckDBType } from '@duckdb/node-api';
import type { Fields, FieldWriter, Target } from './fields.ts';
import { lengthBytes, wroteNull } from './fields.ts';
import { childVector, isValid, type Vector } from './vector.ts';

/** What stands before the values of an array of one dimension: dimensions, nulls?, type, count, lower bound. */
const headerBytes = 20;
const emptyBytes = 12;

type ListOptions = {
  elementType: DuckDBType;
  /** For ARRAY: how many values each row has. */
  arrayLength: number | null;
  writer: FieldWriter;
  /** The type of the elements in Postgres' catalogue. */
  elementOid: number;
};

/** LIST or ARRAY of scalars → a Postgres array; an empty one has no dimension. */
export function listWriter({ elementType, arrayLength, writer, elementOid }: ListOptions): FieldWriter {
  return (vector) => {
    const child = childVector(vector, elementType, arrayLength);
    const elements = writer(child);
    const spans = spansOf(vector, arrayLength);
    const places = new Int32Array(child.rows);
    return {
      lengths: lengthsOf(spans, child, elements, vector.rows),
      write(target, positions, from, to) {
        for (let row = from; row < to; row++) {
          if (wroteNull(vector, target, positions, row)) continue;
          const parts = { target, child, elements, elementOid, places };
          positions[row] = writeList(parts, positions[row] as number, spans(row));
        }
      },
    };
  };
}

/** The child's rows from `first` up to `end` that belong to a row. */
type Span = { first: number; end: number };

function spansOf(vector: Vector, arrayLength: number | null): (row: number) => Span {
  if (arrayLength !== null) return (row) => ({ first: row * arrayLength, end: (row + 1) * arrayLength });
  return (row) => {
    if (vector.validity !== null && !isValid(vector.validity, row)) return { first: 0, end: 0 };
    const first = Number(vector.data.getBigUint64(row * 16, true));
    return { first, end: first + Number(vector.data.getBigUint64(row * 16 + 8, true)) };
  };
}

function lengthsOf(spans: (row: number) => Span, child: Vector, elements: Fields, rows: number): Int32Array {
  const lengths = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    const { first, end } = spans(row);
    let length = first === end ? emptyBytes : headerBytes;
    for (let index = first; index < end; index++) length += fieldBytes(child, elements, index);
    lengths[row] = length;
  }
  return lengths;
}

function fieldBytes(vector: Vector, fields: Fields, row: number): number {
  if (vector.validity !== null && !isValid(vector.validity, row)) return lengthBytes;
  return lengthBytes + (typeof fields.lengths === 'number' ? fields.lengths : (fields.lengths[row] as number));
}

type ListParts = { target: Target; child: Vector; elements: Fields; elementOid: number; places: Int32Array };

function writeList(
  { target, child, elements, elementOid, places }: ListParts,
  position: number,
  { first, end }: Span,
): number {
  const { view } = target;
  view.setInt32(position + 4, first === end ? 0 : 1);
  view.setInt32(position + 8, child.validity === null ? 0 : 1);
  view.setUint32(position + 12, elementOid);
  let after = position + lengthBytes + emptyBytes;
  if (first !== end) {
    view.setInt32(position + 16, end - first);
    view.setInt32(position + 20, 1);
    after = position + lengthBytes + headerBytes;
    for (let index = first; index < end; index++) {
      places[index] = after;
      after += fieldBytes(child, elements, index);
    }
    elements.write(target, places, first, end);
  }
  view.setInt32(position, after - position - lengthBytes);
  return after;
}
