import type { Reason } from '../../schemas/generated/types.ts';
import { messageOf, TaskFailure } from '../errors.ts';
import type { SourcePlace, Statement } from './statement.ts';

/** What DuckDB says of a failure: `Kind Error: text`, then perhaps the line of SQL with a caret below the place. */
type EngineMessage = { kind: string; text: string; line?: number; column?: number };

/**
 * Makes a failure for a person of what the engine threw: which block, and where in its SQL. An error inside a CSV file keeps its
 * text for the load, which knows the file (see `loads/csv-failure.ts`).
 */
export function engineFailure(error: unknown, statement: Statement): TaskFailure {
  if (error instanceof TaskFailure) return error;
  const message = parseMessage(messageOf(error));
  const found = fragmentAt(statement, message.line);
  const reason = reasonOf(message);
  const wayOut = reason === 'OutOfMemory' ? '; read fewer columns or rows, or give the scratch folder more space' : '';
  if (!found) return new TaskFailure(reason, `${message.text}${wayOut}`, {}, error);
  const { where, block } = found.fragment;
  const { hint, ...place } = placeIn(found, message);
  const sentence = `${where}: ${message.text}${wayOut}${hint ? ` (${hint})` : ''}`;
  return new TaskFailure(reason, sentence, { block, ...place }, error);
}

function reasonOf({ kind, text }: EngineMessage): Reason {
  if (kind === 'Out of Memory' || /no space left|max_temp_directory_size/i.test(text)) return 'OutOfMemory';
  return 'TransformFailed';
}

function parseMessage(message: string): EngineMessage {
  const [, kind = '', rest = message] = /^([A-Z][\w ]*?) Error: ([\s\S]*)$/.exec(message) ?? [];
  const [, before, line, excerpt = '', spaces = ''] = /^([\s\S]*?)\n\nLINE (\d+): (.*)\n( *)\^/.exec(rest) ?? [];
  const text = readable(before ?? rest);
  if (line === undefined) return { kind, text };
  const column = spaces.length - `LINE ${line}: `.length + 1;
  // A long line is shown from "..." on: its column is not known.
  return { kind, text, line: Number(line), column: excerpt.startsWith('...') ? 1 : Math.max(1, column) };
}

/** One sentence of the engine's several lines, without the advice that no manifest can follow. */
function readable(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(\*|Possible (solutions|fixes)|You can only|Use the )/.test(line));
  return lines.join(' ').replace(/\s*!$/, '');
}

type Found = Statement['fragments'][number];

/** The fragment that holds the line; without a line the only one, if there is only one. */
function fragmentAt({ fragments }: Statement, line: number | undefined): Found | undefined {
  if (line === undefined) return fragments.length === 1 ? fragments[0] : undefined;
  return fragments.find(({ firstLine, lastLine }) => firstLine <= line && line <= lastLine);
}

function placeIn({ fragment, firstLine }: Found, { line, column }: EngineMessage): Partial<SourcePlace> {
  return line === undefined ? {} : fragment.locate(line - firstLine + 1, column ?? 1);
}
