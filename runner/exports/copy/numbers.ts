import type { FieldWriter, Target } from './fields.ts';
import { fixedWriter, lengthBytes, wroteNull } from './fields.ts';
import type { Vector } from './vector.ts';

// The first three have loops of their own: in a shared loop the engine cannot inline what differs, and these are the
// columns that nearly every table has most of.

/** Two bytes turned round: SMALLINT → int2. */
export const swapped2: FieldWriter = (vector) => ({
  lengths: 2,
  write(target, positions, from, to) {
    const { view } = target;
    for (let row = from; row < to; row++) {
      if (wroteNull(vector, target, positions, row)) continue;
      const position = positions[row] as number;
      view.setInt32(position, 2);
      view.setInt16(position + 4, vector.data.getInt16(row * 2, true));
      positions[row] = position + 6;
    }
  },
});

/** Four bytes turned round: INTEGER → int4, FLOAT → float4. */
export const swapped4: FieldWriter = (vector) => ({
  lengths: 4,
  write(target, positions, from, to) {
    const { view } = target;
    for (let row = from; row < to; row++) {
      if (wroteNull(vector, target, positions, row)) continue;
      const position = positions[row] as number;
      view.setInt32(position, 4);
      view.setInt32(position + 4, vector.data.getInt32(row * 4, true));
      positions[row] = position + 8;
    }
  },
});

/** Eight bytes turned round: BIGINT → int8, DOUBLE → float8 (every NaN as it is), TIME → time. */
export const swapped8: FieldWriter = (vector) => ({
  lengths: 8,
  write(target, positions, from, to) {
    const { view } = target;
    for (let row = from; row < to; row++) {
      if (wroteNull(vector, target, positions, row)) continue;
      const position = positions[row] as number;
      view.setInt32(position, 8);
      view.setInt32(position + 4, vector.data.getInt32(row * 8 + 4, true));
      view.setInt32(position + 8, vector.data.getInt32(row * 8, true));
      positions[row] = position + lengthBytes + 8;
    }
  },
});

export const boolean: FieldWriter = fixedWriter(1, ({ view }, position, { data }, row) => {
  view.setUint8(position, data.getUint8(row) === 0 ? 0 : 1);
});

/** Reads a whole number that a double holds exactly. */
export type ReadInteger = (data: DataView, row: number) => number;

export const readInt8: ReadInteger = (data, row) => data.getInt8(row);
export const readUint8: ReadInteger = (data, row) => data.getUint8(row);
export const readInt16: ReadInteger = (data, row) => data.getInt16(row * 2, true);
export const readUint16: ReadInteger = (data, row) => data.getUint16(row * 2, true);
export const readInt32: ReadInteger = (data, row) => data.getInt32(row * 4, true);
export const readUint32: ReadInteger = (data, row) => data.getUint32(row * 4, true);

export const toInt2 = (read: ReadInteger): FieldWriter =>
  fixedWriter(2, ({ view }, position, { data }, row) => view.setInt16(position, read(data, row)));

export const toInt4 = (read: ReadInteger): FieldWriter =>
  fixedWriter(4, ({ view }, position, { data }, row) => view.setInt32(position, read(data, row)));

export const toInt8 = (read: ReadInteger): FieldWriter =>
  fixedWriter(8, ({ view }, position, { data }, row) => {
    const value = read(data, row);
    view.setInt32(position, Math.floor(value / 2 ** 32));
    view.setInt32(position + 4, value);
  });

export const toFloat4 = (read: ReadInteger): FieldWriter =>
  fixedWriter(4, ({ view }, position, { data }, row) => view.setFloat32(position, read(data, row)));

export const toFloat8 = (read: ReadInteger): FieldWriter =>
  fixedWriter(8, ({ view }, position, { data }, row) => view.setFloat64(position, read(data, row)));

export const floatToFloat8: FieldWriter = fixedWriter(8, ({ view }, position, { data }, row) =>
  view.setFloat64(position, data.getFloat32(row * 4, true)),
);

/** DuckDB keeps a UUID as a number whose first bit is turned over, so that it sorts; Postgres as its 16 bytes. */
export const uuid: FieldWriter = fixedWriter(16, ({ view }, position, { data }, row) => {
  view.setInt32(position, data.getInt32(row * 16 + 12, true) ^ 0x80000000);
  for (let word = 1; word < 4; word++)
    view.setInt32(position + word * 4, data.getInt32(row * 16 + 12 - word * 4, true));
});

/** DuckDB: months, days, microseconds. Postgres: the same from the end. */
export const interval: FieldWriter = fixedWriter(
  16,
  (target: Target, position: number, { data }: Vector, row: number) => {
    const start = row * 16;
    target.view.setInt32(position, data.getInt32(start + 12, true));
    target.view.setInt32(position + 4, data.getInt32(start + 8, true));
    target.view.setInt32(position + 8, data.getInt32(start + 4, true));
    target.view.setInt32(position + 12, data.getInt32(start, true));
  },
);
