import type { Boundaries } from './every.ts';
import { wallTicks } from './ticks.ts';
import { type OffsetPeriod, offsetPeriodAt } from './zone.ts';

/**
 * The ticks of five cron fields in a zone, exact at every change of its clocks and independent of where one begins to look.
 *
 * Time is walked by stretches of one UTC offset. A text with `*` in its minutes or hours follows real time: a tick in a
 * gap is left out, a tick in a fold comes twice. Any other text means times of the day: a tick in a gap comes as much
 * later as the gap is long, a tick in a fold comes once, the first time.
 */
export function cronBoundaries(cron: string, timeZone: string): Boundaries {
  const wall = wallTicks(cron);
  const realTime = /^\s*(\*|\S+\s+\*)/.test(cron);
  // Asking Temporal for transitions is the dear part, and neighbouring questions fall into the same stretch.
  let last: OffsetPeriod | undefined;
  const periodAt = (at: number) => {
    if (!last || at < last.start || at >= last.end) last = offsetPeriodAt(at, timeZone);
    return last;
  };

  function next(at: number): number {
    let period = periodAt(at);
    for (;;) {
      const found = pieces(period, realTime).flatMap((piece) => {
        const tick = wall.next(Math.max(at + piece.offset, piece.from - 1));
        return tick !== null && tick < piece.to ? [tick - piece.offset] : [];
      });
      if (found.length > 0) return Math.min(...found);
      if (period.end === Number.POSITIVE_INFINITY) throw new Error(`cron "${cron}" has no tick after ${at}`);
      period = periodAt(period.end);
    }
  }

  function floor(at: number): number {
    let period = periodAt(at);
    for (;;) {
      const found = pieces(period, realTime).flatMap((piece) => {
        const tick = wall.floor(Math.min(at + piece.offset, piece.to - 1));
        return tick !== null && tick >= piece.from ? [tick - piece.offset] : [];
      });
      if (found.length > 0) return Math.max(...found);
      if (period.start === Number.NEGATIVE_INFINITY) throw new Error(`cron "${cron}" has no tick before ${at}`);
      period = periodAt(period.start - 1);
    }
  }

  function countAfter(from: number, to: number): number {
    let total = 0;
    for (let period = periodAt(from); from < to; period = periodAt(period.end)) {
      const [main, gap] = pieces(period, realTime);
      if (main) total += countIn(main, from, to) + (gap ? countOnlyInGap(gap, main, from, to) : 0);
      if (to < period.end) break;
    }
    return total;
  }

  function countIn(piece: Piece, from: number, to: number): number {
    const low = Math.max(from + piece.offset, piece.from - 1);
    const high = Math.min(to + piece.offset, piece.to - 1);
    return high > low ? wall.count(low, high) : 0;
  }

  // A tick moved out of a gap may fall on a tick that was there anyway; it counts once.
  function countOnlyInGap(gap: Piece, main: Piece, from: number, to: number): number {
    let count = 0;
    for (let tick = wall.next(gap.from - 1); tick !== null && tick < gap.to; tick = wall.next(tick)) {
      const at = tick - gap.offset;
      const there = at + main.offset >= main.from && wall.has(at + main.offset);
      if (at > from && at <= to && !there) count++;
    }
    return count;
  }

  return { floor, next, countAfter };
}

/** Wall-clock times `[from, to)` that are read with this offset. */
type Piece = { readonly offset: number; readonly from: number; readonly to: number };

function pieces(period: OffsetPeriod, realTime: boolean): Piece[] {
  const { start, end, offset, previousOffset } = period;
  const main = { offset, from: start + (realTime ? offset : Math.max(offset, previousOffset)), to: end + offset };
  if (realTime || offset <= previousOffset) return [main];
  return [main, { offset: previousOffset, from: start + previousOffset, to: start + offset }];
}
