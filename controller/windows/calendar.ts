import type { CalendarSpec } from '../../schemas/generated/types.ts';
import { cronBoundaries } from './cron.ts';
import { type Boundaries, everyBoundaries } from './every.ts';
import { windowLabel } from './label.ts';

/** Half-open `[start, end)` of data time. `label` names it in run names. */
export type Window = { readonly start: Date; readonly end: Date; readonly label: string };

/**
 * Cuts time into windows, without gap or overlap. A boundary is the end of one window and the start of the next.
 * With `beginsAt` it is a calendar that took over from another one there: its first window is `[beginsAt, next boundary)`,
 * however short, and before it there is none.
 */
export type Calendar = {
  readonly spec: CalendarSpec;
  boundaryAtOrBefore(at: Date): Date;
  boundaryAtOrAfter(at: Date): Date;
  /** The first boundary after `at`. */
  next(at: Date): Date;
  /** The window that begins at `start`, which may be the first one of a calendar that took over there. */
  windowFrom(start: Date): Window;
  /** Null before `beginsAt`. */
  windowContaining(at: Date): Window | null;
  windowStartingAtOrAfter(at: Date): Window;
  /** The window that ends at `start`; before `beginsAt` as this calendar would have cut it. */
  windowBefore(start: Date): Window;
  /** Windows that begin at or after `from` and end at or before `until`, oldest first, at most `limit`. */
  windows(from: Date, options: { until: Date; limit: number }): Window[];
  /** How many windows cover `[from, to)`, where `to` is a boundary. Cheap for minutes and hours, a step per window else. */
  countWindows(from: Date, to: Date): number;
};

/** `spec` is one that the compiler has accepted. */
export function createCalendar(spec: CalendarSpec, options: { beginsAt?: Date } = {}): Calendar {
  const base = boundariesOf(spec);
  const begin = options.beginsAt?.getTime() ?? Number.NEGATIVE_INFINITY;
  const next = (at: number) => (at < begin ? begin : base.next(at));
  const window = (start: number, end: number): Window => ({
    start: new Date(start),
    end: new Date(end),
    label: windowLabel(new Date(start), spec),
  });
  const atOrAfter = (at: number) => (at === begin || base.floor(at) === at ? Math.max(at, begin) : next(at));

  return {
    spec,
    boundaryAtOrBefore: (at) => new Date(base.floor(at.getTime())),
    boundaryAtOrAfter: (at) => new Date(atOrAfter(at.getTime())),
    next: (at) => new Date(next(at.getTime())),
    windowFrom: (start) => window(start.getTime(), next(start.getTime())),
    windowContaining: (at) => {
      if (at.getTime() < begin) return null;
      return window(Math.max(begin, base.floor(at.getTime())), next(at.getTime()));
    },
    windowStartingAtOrAfter: (at) => {
      const start = atOrAfter(at.getTime());
      return window(start, next(start));
    },
    windowBefore: (start) => {
      const before = base.floor(start.getTime() - 1);
      return window(start.getTime() > begin ? Math.max(begin, before) : before, start.getTime());
    },
    windows: (from, { until, limit }) => {
      const found: Window[] = [];
      for (let start = atOrAfter(from.getTime()); found.length < limit; ) {
        const end = next(start);
        if (end > until.getTime()) break;
        found.push(window(start, end));
        start = end;
      }
      return found;
    },
    countWindows: (from, to) => base.countAfter(Math.max(from.getTime(), begin), to.getTime()),
  };
}

function boundariesOf(spec: CalendarSpec): Boundaries {
  if (spec.every) return everyBoundaries(spec.every, spec);
  if (spec.cron) return cronBoundaries({ ...spec, cron: spec.cron });
  throw new Error('a calendar needs `every` or `cron`; the compiler refuses one without');
}
