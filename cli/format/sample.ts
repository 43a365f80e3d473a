import { stripVTControlCharacters } from 'node:util';
import Table from 'cli-table3';
import type { Sample } from '../../schemas/generated/types.ts';
import type { Terminal } from '../terminal.ts';
import { counted } from './amounts.ts';

const longestValue = 32;
/** Where the terminal's width is not known, the width that pages and tickets show without a break. */
const defaultColumns = 100;

/** The sample of a relation as a table. Columns that do not fit are named below it instead. */
export function sampleTable(sample: Sample, terminal: Terminal): string {
  const { colors } = terminal;
  const title = `Sample of ${colors.bold(sample.block)} (${counted(sample.rows.length, 'row')})`;
  if (sample.columns.length === 0) return title;
  const cells = sample.rows.map((row) => row.map((value) => (value === null ? colors.dim('null') : shorten(value))));
  const shown = columnsThatFit(sample, cells, Number.isFinite(terminal.columns) ? terminal.columns : defaultColumns);
  const printed = new Table({
    style: { head: [], border: [], compact: true },
    head: sample.columns
      .slice(0, shown)
      .map(({ name, type }) => `${colors.bold(shorten(name))}\n${colors.dim(shorten(type))}`),
  });
  printed.push(...cells.map((row) => row.slice(0, shown)));
  const rest = sample.columns.slice(shown).map((column) => column.name);
  const more = rest.length === 0 ? [] : [colors.dim(`and ${counted(rest.length, 'more column')}: ${rest.join(', ')}`)];
  return [title, printed.toString(), ...more].join('\n');
}

function columnsThatFit(sample: Sample, cells: readonly (readonly string[])[], columns: number): number {
  let used = 1;
  const widths = sample.columns.map(({ name, type }, i) => {
    const values = cells.map((row) => stripVTControlCharacters(row[i] ?? '').length);
    return Math.max(shorten(name).length, shorten(type).length, ...values) + 3;
  });
  const over = widths.findIndex((width) => {
    used += width;
    return used > columns;
  });
  return over === -1 ? widths.length : Math.max(1, over);
}

/** One line, without what would steer a terminal, and not too long. */
function shorten(text: string): string {
  const line = text.replace(/\p{Cc}+/gu, ' ');
  return line.length > longestValue ? `${line.slice(0, longestValue - 1)}…` : line;
}
