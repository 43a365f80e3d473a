/** A line of a log, and the moment at which its node wrote it: UTC, with nine decimals, so that times sort as text. */
export type Line = { readonly time: string; readonly text: string };

/** A line by its time, and its place among lines of that very time, from 1: a place in a log that stays when the log is rotated. */
export type LineMark = { readonly time: string; readonly place: number };

/** A longer line is cut; nobody reads it, and it must not fill the memory. Characters. */
const longest = 1024 * 1024;
const stamp = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) /;
const beginning = '1970-01-01T00:00:00.000000000Z';

/**
 * The lines of a log that was asked for with times, a batch for each chunk. What follows the last line break is a line only with
 * `toEnd`: otherwise the rest of it may be still to come.
 */
export async function* linesOf(chunks: AsyncIterable<string>, { toEnd }: { toEnd: boolean }): AsyncGenerator<Line[]> {
  let rest = '';
  let time = beginning;
  const parse = (raw: string): Line => {
    const match = stamp.exec(raw);
    // Not the container's own line, but what its node says of it.
    if (!match) return { time, text: raw };
    time = normalized(match);
    return { time, text: raw.slice(match[0].length) };
  };
  for await (const chunk of chunks) {
    const parts = (rest + chunk).split('\n');
    rest = (parts.pop() ?? '').slice(0, longest);
    if (parts.length > 0) yield parts.map(parse);
  }
  if (toEnd && rest !== '') yield [parse(rest)];
}

function normalized([, seconds = '', fraction = '', zone]: RegExpExecArray): string {
  const utc = zone === 'Z' ? seconds : new Date(`${seconds}${zone}`).toISOString().slice(0, 19);
  return `${utc}.${fraction.padEnd(9, '0')}Z`;
}

/** As it is kept, and as `linesOf` reads it. */
export function written({ time, text }: Line): string {
  return `${time} ${text}\n`;
}

/** What to ask a node for that has to go on after `mark`: it knows only seconds. */
export function sinceOf(mark: LineMark | null): { since?: string } {
  return mark === null ? {} : { since: `${mark.time.slice(0, 19)}Z` };
}

/** Tells the lines after `from` from those that were read before. */
export function createMarker(from: LineMark | null) {
  let mark = from;
  let met = 0;
  let isBehind = from !== null;
  return {
    /** The last line that was taken. */
    get mark(): LineMark | null {
      return mark;
    },
    /** Whether the line is new; then it is the last one. */
    take({ time }: Line): boolean {
      if (isBehind && from !== null) {
        if (time === from.time) met += 1;
        if (time < from.time || (time === from.time && met <= from.place)) return false;
        // From here on all is new, also where the clock of the node was set back.
        isBehind = false;
      }
      mark = { time, place: mark?.time === time ? mark.place + 1 : 1 };
      return true;
    },
  };
}
