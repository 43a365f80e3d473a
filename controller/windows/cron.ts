import type { CalendarSpec } from '../../schemas/generated/types.ts';
import type { Boundaries } from './every.ts';
import { type WallTicks, wallTicks } from './ticks.ts';
import { type OffsetPeriod, offsetPeriodAt } from './zone.ts';

/**
 * The ticks of cron texts in a zone, exact at every change of its clocks and independent of where one begins to look.
 *
 * Time is walked by stretches of one UTC offset. A text with `*` in its minutes or hours follows real time: a tick in a
 * gap is left out, a tick in a fold comes twice. Any other text means times of the day, and `gap` and `overlap` say what
 * becomes of those that clocks leave out or show twice. Source: docs/designs/cron-ticks.md.
 */
export function cronBoundaries(spec: CalendarSpec & { readonly cron: readonly string[] }): Boundaries {
  const { cron, timeZone, blackoutDates, gap = 'shift', overlap = 'first' } = spec;
  const periodAt = periodsOf(timeZone);
  const isRealTime = (text: string) => /^\s*(\*|\S+\s+\*)/.test(text);
  const parts = [
    { texts: cron.filter(isRealTime), policy: { gap: 'skip', overlap: 'both' } as const },
    { texts: cron.filter((text) => !isRealTime(text)), policy: { gap, overlap } },
  ].filter(({ texts }) => texts.length > 0);
  const sequences = parts.map(({ texts, policy }) => sequence(wallTicks(texts, blackoutDates), policy, periodAt));
  const first = (at: number) => {
    const found = sequences.flatMap(({ next }) => next(at) ?? []);
    if (found.length === 0) throw new Error(`cron "${cron.join('", "')}" has no tick after ${at}`);
    return Math.min(...found);
  };
  return {
    next: first,
    floor: (at) => {
      const found = sequences.flatMap(({ floor }) => floor(at) ?? []);
      if (found.length === 0) throw new Error(`cron "${cron.join('", "')}" has no tick before ${at}`);
      return Math.max(...found);
    },
    countAfter: (from, to) => {
      const [only, other] = sequences;
      if (only && !other) return only.count(from, to);
      // Ticks of the two may coincide, so they are counted one by one.
      let count = 0;
      for (let at = first(from); at <= to; at = first(at)) count++;
      return count;
    },
  };
}

/** Asking Temporal for transitions is the dear part, and neighbouring questions fall into the same stretch. */
function periodsOf(timeZone: string): (at: number) => OffsetPeriod {
  let last: OffsetPeriod | undefined;
  return (at) => {
    if (!last || at < last.start || at >= last.end) last = offsetPeriodAt(at, timeZone);
    return last;
  };
}

/** No zone is further from UTC than that, nor changes by more: what lies nearer may still be read otherwise. */
const offZoneMs = 2 * 86_400_000;

type Policy = Required<Pick<CalendarSpec, 'gap' | 'overlap'>>;

/** `next` and `floor` are null where there is none. */
type Sequence = {
  next(at: number): number | null;
  floor(at: number): number | null;
  /** How many lie in `(from, to]`. */
  count(from: number, to: number): number;
};

function sequence(wall: WallTicks, policy: Policy, periodAt: (at: number) => OffsetPeriod): Sequence {
  const shifted = (period: OffsetPeriod) => shiftedTick(wall, policy, period);

  function next(at: number): number | null {
    for (let period = periodAt(at); ; ) {
      const { from, to } = read(period, policy);
      const tick = wall.next(Math.max(at + period.offset, from - 1));
      const moved = shifted(period);
      if (moved !== null && moved > at) return moved;
      if (tick !== null && tick < to) return tick - period.offset;
      if (tick === null || period.end === Number.POSITIVE_INFINITY) return null;
      // Where clocks go back, the next stretch shows times again that lie behind here.
      period = periodAt(period.nextOffset < period.offset ? period.end : Math.max(period.end, tick - offZoneMs));
    }
  }

  function floor(at: number): number | null {
    for (let period = periodAt(at); ; ) {
      const { from, to } = read(period, policy);
      const tick = wall.floor(Math.min(at + period.offset, to - 1));
      if (tick !== null && tick >= from) return tick - period.offset;
      const moved = shifted(period);
      if (moved !== null) return moved;
      if (tick === null || period.start === Number.NEGATIVE_INFINITY) return null;
      const before = period.start - 1;
      period = periodAt(period.offset < period.previousOffset ? before : Math.min(before, tick + offZoneMs));
    }
  }

  function count(from: number, to: number): number {
    let total = 0;
    for (let period = periodAt(from); ; period = periodAt(period.end)) {
      const { offset } = period;
      const wanted = read(period, policy);
      const low = Math.max(from + offset, wanted.from - 1);
      const high = Math.min(to + offset, wanted.to - 1);
      if (high > low) total += wall.count(low, high);
      const moved = shifted(period);
      // One that falls on a tick which was there anyway is one boundary with it.
      if (moved !== null && moved > from && moved <= to && !wall.has(moved + offset)) total++;
      if (to < period.end) return total;
    }
  }

  return { next, floor, count };
}

/** The wall-clock times `[from, to)` of a stretch that count: what clocks show twice counts in the stretch that `overlap` names. */
function read(period: OffsetPeriod, { overlap }: Policy): { from: number; to: number } {
  const { start, end, offset, previousOffset, nextOffset } = period;
  return {
    from: start + (overlap === 'first' ? Math.max(offset, previousOffset) : offset),
    to: end + (overlap === 'second' ? Math.min(offset, nextOffset) : offset),
  };
}

/** Times of the day that clocks left out, as one tick at the first instant after the gap. */
function shiftedTick(wall: WallTicks, { gap }: Policy, period: OffsetPeriod): number | null {
  const { start, offset, previousOffset } = period;
  if (gap === 'skip' || offset <= previousOffset) return null;
  const tick = wall.next(start + previousOffset - 1);
  return tick !== null && tick < start + offset ? start : null;
}
