import type { WindowRow } from '../../schemas/generated/types.ts';
import type { Terminal } from '../terminal.ts';
import { localTime } from './times.ts';

/** One that succeeded and whose data another version made has a sign of its own. */
type Phase = WindowRow['phase'] | 'Stale';

/** The gravest first: where two windows share a place, it is the one that shows. */
const signs: readonly (readonly [Phase, string, 'red' | 'cyan' | 'yellow' | 'gray' | 'green'])[] = [
  ['Failed', '✗', 'red'],
  ['Running', '●', 'cyan'],
  ['Queued', '○', 'cyan'],
  ['Cancelled', '⊘', 'yellow'],
  ['Missing', '·', 'gray'],
  ['Stale', '≈', 'yellow'],
  ['Skipped', '–', 'gray'],
  ['Succeeded', '✓', 'green'],
];

/** How a line and a place in it are read from the local time `2019-01-31 06:00`. */
type Layout = {
  readonly line: (at: string) => string;
  readonly place: (at: string) => number;
  readonly places: number;
};

const hourMs = 3_600_000;
const layouts: readonly (Layout & { readonly shortestMs: number })[] = [
  { shortestMs: 20 * 24 * hourMs, line: (at) => at.slice(0, 4), place: (at) => Number(at.slice(5, 7)) - 1, places: 12 },
  { shortestMs: 20 * hourMs, line: (at) => at.slice(0, 7), place: (at) => Number(at.slice(8, 10)) - 1, places: 31 },
  { shortestMs: 0.75 * hourMs, line: (at) => at.slice(0, 10), place: (at) => Number(at.slice(11, 13)), places: 24 },
  { shortestMs: 0, line: (at) => `${at.slice(0, 13)}h`, place: (at) => Number(at.slice(14, 16)), places: 60 },
];

/** A sign for each window at its place in the year, month, day or hour, by the usual length of the windows; and what they mean. */
export function grid(windows: readonly WindowRow[], timeZone: string, { colors }: Terminal): string {
  const lengths = windows.map(({ start, end }) => Date.parse(end) - Date.parse(start)).sort((a, b) => a - b);
  const usual = lengths[Math.floor(lengths.length / 2)] ?? 0;
  const layout = layouts.find(({ shortestMs }) => usual >= shortestMs);
  if (!layout) return '';
  const lines = new Map<string, Phase[]>();
  for (const window of windows) {
    const { start } = window;
    const phase = shown(window);
    const at = localTime(start, timeZone);
    const line = lines.get(layout.line(at)) ?? [];
    const there = line[layout.place(at)];
    line[layout.place(at)] = there && rank(there) < rank(phase) ? there : phase;
    lines.set(layout.line(at), line);
  }
  const sign = (phase: Phase | undefined) => {
    const [, text, paint] = signs.find(([name]) => name === phase) ?? [null, ' ', 'gray' as const];
    return colors[paint](text);
  };
  const rows = [...lines].map(([name, line]) =>
    `${colors.dim(name)}  ${Array.from({ length: layout.places }, (_, place) => sign(line[place])).join(' ')}`.trimEnd(),
  );
  const seen = signs.filter(([name]) => windows.some((window) => shown(window) === name));
  return [...rows, '', seen.map(([name, text, paint]) => `${colors[paint](text)} ${name}`).join('   ')].join('\n');
}

function shown({ phase, stale }: WindowRow): Phase {
  return phase === 'Succeeded' && stale !== null ? 'Stale' : phase;
}

function rank(phase: Phase): number {
  return signs.findIndex(([name]) => name === phase);
}
