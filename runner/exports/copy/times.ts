import type { FieldWriter } from './fields.ts';
import { fixedWriter, UnwritableValue, wroteNull } from './fields.ts';

// DuckDB counts from 1970, Postgres from 2000. Both have ±infinity, at different ends of the number range.

const epochDays = 10_957;
const epochMicros = 946_684_800_000_000;
const epochHigh = Math.floor(epochMicros / 2 ** 32);
const epochLow = epochMicros % 2 ** 32;

const highest = 0x7fffffff;
const lowest = -0x80000000;
/** Below this upper half the shift could run over the end of 64 bits and come out as a date in the far future. */
const lowestSafeHigh = lowest + epochHigh + 2;

/** Microseconds in 64 bits, as two halves: a BigInt of each value would cost more than the rest of the row. */
export const timestamp: FieldWriter = (vector) => ({
  lengths: 8,
  write(target, positions, from, to) {
    const { view } = target;
    const { data } = vector;
    for (let row = from; row < to; row++) {
      if (wroteNull(vector, target, positions, row)) continue;
      const position = positions[row] as number;
      const low = data.getUint32(row * 8, true);
      const high = data.getInt32(row * 8 + 4, true);
      view.setInt32(position, 8);
      if (high === highest || high < lowestSafeHigh) putMicros(view, position + 4, data.getBigInt64(row * 8, true));
      else {
        const difference = low - epochLow;
        view.setInt32(position + 4, high - epochHigh - (difference < 0 ? 1 : 0));
        view.setInt32(position + 8, difference);
      }
      positions[row] = position + 12;
    }
  },
});

const most = 2n ** 63n - 1n;
const least = -(2n ** 63n);
/** A value that Postgres refuses as out of range, for everything it could not hold anyway. */
const outOfRange = least + 1n;

/** Microseconds since 1970 (with DuckDB's infinities) as Postgres counts them. */
export function putMicros(view: DataView, position: number, micros: bigint): void {
  if (micros === most) view.setBigInt64(position, most);
  else if (micros === -most) view.setBigInt64(position, least);
  else {
    const shifted = micros - BigInt(epochMicros);
    view.setBigInt64(position, shifted < outOfRange || shifted >= most ? outOfRange : shifted);
  }
}

/** Timestamps in another unit than microseconds; `toMicros` is not asked about the infinities. */
const timestampIn = (toMicros: (value: bigint) => bigint): FieldWriter =>
  fixedWriter(8, ({ view }, position, { data }, row) => {
    const value = data.getBigInt64(row * 8, true);
    putMicros(view, position, value === most || value === -most ? value : toMicros(value));
  });

export const timestampSeconds = timestampIn((seconds) => seconds * 1_000_000n);
export const timestampMilliseconds = timestampIn((milliseconds) => milliseconds * 1000n);
export const timestampNanoseconds = timestampIn(wholeMicros);

function wholeMicros(nanoseconds: bigint): bigint {
  if (nanoseconds % 1000n !== 0n) {
    throw new UnwritableValue(
      'a value has nanoseconds, and Postgres keeps microseconds; cast the column to TIMESTAMP or TIME',
    );
  }
  return nanoseconds / 1000n;
}

export const timeNanoseconds: FieldWriter = fixedWriter(8, ({ view }, position, { data }, row) =>
  view.setBigInt64(position, wholeMicros(data.getBigInt64(row * 8, true))),
);

/** DuckDB: 40 bits of microseconds, 24 bits of an offset counted down. Postgres: microseconds, then seconds west of UTC. */
export const timeWithZone: FieldWriter = fixedWriter(12, ({ view }, position, { data }, row) => {
  const low = data.getUint32(row * 8, true);
  const micros = data.getUint32(row * 8 + 4, true) * 256 + (low >>> 24);
  view.setBigInt64(position, BigInt(micros));
  view.setInt32(position + 8, (low & 0xffffff) - (16 * 60 * 60 - 1));
});

export const date: FieldWriter = fixedWriter(4, ({ view }, position, { data }, row) => {
  const days = data.getInt32(row * 4, true);
  if (days === highest) view.setInt32(position, highest);
  else if (days === -highest) view.setInt32(position, lowest);
  else view.setInt32(position, Math.max(days - epochDays, lowest + 1));
});

export const dateToTimestamp: FieldWriter = fixedWriter(8, ({ view }, position, { data }, row) => {
  const days = data.getInt32(row * 4, true);
  const infinite = days === highest || days === -highest;
  putMicros(view, position, infinite ? (days > 0 ? most : -most) : BigInt(days) * 86_400_000_000n);
});
