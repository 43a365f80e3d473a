import { stripVTControlCharacters } from 'node:util';
import Table from 'cli-table3';
import type { Terminal } from '../terminal.ts';

const gap = 2;
const narrowest = 8;
const names: readonly string[] = ['NAME', 'RUN', 'BLOCK'];
const bare = [
  'top',
  'top-mid',
  'top-left',
  'top-right',
  'bottom',
  'bottom-mid',
  'bottom-left',
  'bottom-right',
  'left',
  'left-mid',
  'mid',
  'mid-mid',
  'right',
  'right-mid',
  'middle',
];

/**
 * Rows under a header, without lines, as kubectl prints them. Where they are wider than the terminal, the widest columns are
 * cut with `…`, but never names, which people copy; columns that are empty in every row are left out.
 */
export function table(header: readonly string[], rows: readonly (readonly string[])[], terminal: Terminal): string {
  const kept = header.map((_, i) => i).filter((i) => rows.some((row) => row[i] !== ''));
  const head = kept.map((i) => header[i] ?? '');
  const cells = rows.map((row) => kept.map((i) => row[i] ?? ''));
  const widths = fit(naturalWidths([head, ...cells]), head, terminal.columns);
  const printed = new Table({
    chars: Object.fromEntries(bare.map((name) => [name, ''])),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': gap },
    colWidths: widths.map((width) => width + gap),
    head: head.map((title) => terminal.colors.bold(title)),
  });
  printed.push(...cells);
  return trimLines(printed.toString());
}

function naturalWidths(rows: readonly (readonly string[])[]): number[] {
  const first = rows[0] ?? [];
  return first.map((_, i) => Math.max(1, ...rows.map((row) => stripVTControlCharacters(row[i] ?? '').length)));
}

/** Takes from the widest column, one character after the other, until all fit or nothing more can be cut. */
function fit(widths: readonly number[], head: readonly string[], columns: number): number[] {
  const fitted = [...widths];
  let over = fitted.reduce((sum, width) => sum + width + gap, -gap) - columns;
  for (; over > 0; over--) {
    const cuttable = fitted.map((width, i) => (names.includes(head[i] ?? '') ? 0 : width));
    const widest = Math.max(...cuttable);
    if (widest <= narrowest) break;
    fitted[cuttable.indexOf(widest)] = widest - 1;
  }
  return fitted;
}

function trimLines(text: string): string {
  return text.replace(/[ \t]+$/gm, '');
}
