import type { Terminal } from '../terminal.ts';

type Paint = 'green' | 'red' | 'yellow' | 'cyan' | 'gray';

const paints: Record<string, Paint> = {
  Succeeded: 'green',
  Failed: 'red',
  Lost: 'red',
  Cancelled: 'yellow',
  Running: 'cyan',
  Ready: 'cyan',
  Claimed: 'cyan',
};

/** The phase of a run, window, task or attempt in its colour. */
export function phase(name: string, colors: Terminal['colors']): string {
  return colors[paints[name] ?? 'gray'](name);
}
