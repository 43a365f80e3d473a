import { codeFrameColumns } from '@babel/code-frame';
import type { Range } from './locate.ts';
import type { Position } from './manifest.ts';

/** A text with the offsets at which its lines begin. */
export type Lines = { readonly text: string; readonly starts: readonly number[] };

export function linesOf(text: string): Lines {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return { text, starts };
}

/** The position of a character. */
export function positionAt({ starts }: Lines, offset: number): Position {
  let low = 0;
  let high = starts.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle;
  }
  return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
}

/** Longer lines are cut. */
const frameWidth = 160;

/** Two lines above, the line with the stretch marked, one line below; without colours. */
export function frame(lines: Lines, range: Range): string {
  const { line, column } = positionAt(lines, range.offset);
  const first = Math.max(1, line - 2);
  const shown: string[] = [];
  for (let number = first; number <= Math.min(line + 1, lines.starts.length); number++)
    shown.push(lineText(lines, number));
  while (shown.length > line - first + 1 && shown.at(-1) === '') shown.pop();
  const length = (shown[line - first] ?? '').trimEnd().length;
  const end = positionAt(lines, range.end);
  const last = end.line === line ? Math.min(end.column, length + 1) : length + 1;
  // This library counts columns from 0, unlike its predecessor.
  const from = Math.min(column, frameWidth) - 1;
  const location = { start: { line, column: from }, end: { line, column: Math.max(from + 1, last - 1) } };
  return codeFrameColumns(shown.join('\n'), location, { startLine: first, linesBelow: 1 });
}

function lineText({ text, starts }: Lines, number: number): string {
  const from = starts[number - 1] ?? 0;
  const line = text.slice(from, Math.min(starts[number] ?? text.length, from + frameWidth));
  return printable(line.replace(/[\r\n]+$/, ''));
}

/** Without characters that would steer a terminal or break a line; tabs stay. */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\t]|[\u2028\u2029]/gu, '�');
}
