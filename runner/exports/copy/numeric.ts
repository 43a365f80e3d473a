import type { FieldWriter } from './fields.ts';
import { bytesWriter, fixedWriter } from './fields.ts';
import type { Vector } from './vector.ts';

// Postgres keeps a numeric as digits to the base of 10,000 around a decimal point:
// int16 count, int16 weight of the first, uint16 sign, uint16 decimal places, then the digits.
// It strips zeros at both ends itself, so all values of a column can have the same number of digits: no measuring.

const headerBytes = 8;
const negative = 0x4000;

/** Digits before and after the point. */
type Layout = { whole: number; fraction: number; scale: number; pad: number };

function layoutOf(width: number, scale: number): Layout {
  const fraction = Math.ceil(scale / 4);
  return { whole: Math.ceil((width - scale) / 4), fraction, scale, pad: 10 ** (fraction * 4 - scale) };
}

/** Reads an unscaled value: a number where a double holds it exactly, also times 1,000; else a BigInt. */
export type ReadUnscaled = (data: DataView, row: number) => number | bigint;

/** DECIMAL(width, scale) and whole numbers (scale 0) of at most `width` decimal digits. */
export function numericWriter(width: number, scale: number, read: ReadUnscaled): FieldWriter {
  const layout = layoutOf(width, scale);
  const digits = Math.max(layout.whole + layout.fraction, 1);
  return fixedWriter(headerBytes + digits * 2, ({ view }, position, vector, row) => {
    const value = read(vector.data, row);
    view.setInt16(position, digits);
    view.setInt16(position + 2, digits - layout.fraction - 1);
    view.setUint16(position + 4, value < 0 ? negative : 0);
    view.setUint16(position + 6, scale);
    const last = position + headerBytes + (digits - 1) * 2;
    if (typeof value === 'number') putDigits(view, last, digits, Math.abs(value) * layout.pad);
    else putBigDigits(view, last, digits, (value < 0n ? -value : value) * BigInt(layout.pad));
  });
}

function putDigits(view: DataView, last: number, count: number, value: number): void {
  let left = value;
  for (let digit = 0; digit < count; digit++) {
    const rest = Math.floor(left / 10_000);
    view.setInt16(last - digit * 2, left - rest * 10_000);
    left = rest;
  }
}

function putBigDigits(view: DataView, last: number, count: number, value: bigint): void {
  let left = value;
  for (let digit = 0; digit < count; digit++) {
    view.setInt16(last - digit * 2, Number(left % 10_000n));
    left /= 10_000n;
  }
}

/** Times 1,000 (the largest padding) it is still exact. */
const safe = Math.floor(Number.MAX_SAFE_INTEGER / 1000);
/** The upper halves of such values. */
const safeHigh = Math.floor(safe / 2 ** 32) - 1;

export const readInt64: ReadUnscaled = (data, row) => {
  const high = data.getInt32(row * 8 + 4, true);
  return high <= safeHigh && high >= -safeHigh
    ? high * 2 ** 32 + data.getUint32(row * 8, true)
    : data.getBigInt64(row * 8, true);
};

export const readUint64: ReadUnscaled = (data, row) => {
  const high = data.getUint32(row * 8 + 4, true);
  return high <= safeHigh ? high * 2 ** 32 + data.getUint32(row * 8, true) : data.getBigUint64(row * 8, true);
};

export const readInt128: ReadUnscaled = (data, row) => {
  const start = row * 16;
  const high = data.getInt32(start + 4, true);
  const sign = high >> 31;
  const short = data.getInt32(start + 12, true) === sign && data.getInt32(start + 8, true) === sign;
  if (short && high <= safeHigh && high >= -safeHigh) return high * 2 ** 32 + data.getUint32(start, true);
  return (data.getBigInt64(start + 8, true) << 64n) + data.getBigUint64(start, true);
};

export const readUint128: ReadUnscaled = (data, row) =>
  (data.getBigUint64(row * 16 + 8, true) << 64n) + data.getBigUint64(row * 16, true);

/** A numeric of any size, for values that only the slow path can read. */
export function bigNumericWriter(valuesOf: (vector: Vector) => (row: number) => bigint): FieldWriter {
  return bytesWriter((vector) => {
    const valueAt = valuesOf(vector);
    return (row) => numericBytes(valueAt(row));
  });
}

function numericBytes(value: bigint): Uint8Array {
  const magnitude = value < 0n ? -value : value;
  const digits = Math.ceil(String(magnitude).length / 4);
  const bytes = new Uint8Array(headerBytes + digits * 2);
  const view = new DataView(bytes.buffer);
  view.setInt16(0, digits);
  view.setInt16(2, digits - 1);
  view.setUint16(4, value < 0n ? negative : 0);
  putBigDigits(view, headerBytes + (digits - 1) * 2, digits, magnitude);
  return bytes;
}
