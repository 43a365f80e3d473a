const minuteMs = 60_000;
const dayMs = 86_400_000;

/** From `at` on (milliseconds, a whole minute) local time is UTC plus `offset` (milliseconds). */
export type Stretch = { readonly at: number; readonly offset: number };

/** A zone's stretches of one offset that touch `[from, to)`; the first one begins before `from`. */
export function stretchesOf(timeZone: string, from: number, to: number): Stretch[] {
  const offsetAt = offsets(timeZone);
  const found = [{ at: Number.NEGATIVE_INFINITY, offset: offsetAt(from) }];
  for (let at = from; at < to; at += dayMs) {
    let low = at;
    // Two changes on one day are found one after the other.
    for (let before = offsetAt(low); before !== offsetAt(at + dayMs); before = offsetAt(low)) {
      let high = at + dayMs;
      while (high - low > minuteMs) {
        const middle = Math.floor((low + high) / 2 / minuteMs) * minuteMs;
        if (offsetAt(middle) === before) low = middle;
        else high = middle;
      }
      found.push({ at: high, offset: offsetAt(high) });
      low = high;
    }
  }
  return found;
}

/** What the clocks of a zone show, asked of Intl one instant at a time. */
function offsets(timeZone: string): (at: number) => number {
  const fields = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const;
  const format = new Intl.DateTimeFormat('en-US', { ...fields, timeZone, hourCycle: 'h23', era: 'short' });
  const read = /^(\d+)\/(\d+)\/(\d+) A(?:D)?, (\d+):(\d+)$/;
  return (at) => {
    const match = read.exec(format.format(at));
    if (!match) throw new Error(`cannot read ${format.format(at)}`);
    const [month, day, year, hour, minute] = match.slice(1).map(Number) as [number, number, number, number, number];
    return Date.UTC(year, month - 1, day, hour, minute) - at;
  };
}

/** The instants at which clocks show the wall-clock time `wall` (written as if it were UTC): none, one or two. */
export function instantsOf(wall: number, stretches: readonly Stretch[]): number[] {
  return stretches.flatMap(({ at, offset }, index) => {
    const instant = wall - offset;
    return instant >= at && instant < (stretches[index + 1]?.at ?? Number.POSITIVE_INFINITY) ? [instant] : [];
  });
}

/** The first instant at which clocks show more than `wall`, having shown less: the end of the gap that it lies in. */
export function endOfGap(wall: number, stretches: readonly Stretch[]): number {
  const after = stretches.find(
    ({ at, offset }, index) => index > 0 && at + offset > wall && at + (stretches[index - 1]?.offset ?? 0) <= wall,
  );
  if (!after) throw new Error(`${new Date(wall).toISOString()} lies in no gap`);
  return after.at;
}
