import type { Load } from '../../schemas/generated/types.ts';
import { quoteLiteral } from '../engine/text.ts';
import { messageOf, TaskFailure } from '../errors.ts';

export type CsvFormat = NonNullable<NonNullable<Load['format']>['csv']>;

/** The engine’s buffer for CSV. Its default of 32 MB would hold back the first rows, and take a quarter of its memory. */
const bufferBytes = 4_000_000;
const longestLineBytes = 2_000_000;

/**
 * A query over a CSV file. With declared columns nothing is guessed and the file is read once, front to back, so that it may be
 * a pipe; otherwise the types come from its first rows.
 */
export function csvQuery(path: string, { columns, delimiter, nullValue }: CsvFormat): string {
  const nulls = ['', ...(nullValue ? [nullValue] : [])].map(quoteLiteral).join(', ');
  const common = [
    'header = true',
    `quote = '"'`,
    `escape = '"'`,
    `nullstr = [${nulls}]`,
    `buffer_size = ${bufferBytes}`,
    `max_line_size = ${longestLineBytes}`,
  ];
  const delim = `delim = ${quoteLiteral(delimiter ?? ',')}`;
  const declared = Object.entries(columns ?? {}).map(([name, type]) => `${quoteLiteral(name)}: ${quoteLiteral(type)}`);
  const form = columns ? [`columns = {${declared.join(', ')}}`, delim, 'auto_detect = false'] : [delim];
  return `select * from read_csv(${[quoteLiteral(path), ...form, ...common].join(', ')})`;
}

/** What the engine says of a value or a line that is not as declared, told of the file; null when it says something else. */
export function csvFailure(error: unknown, file: string): TaskFailure | null {
  const message = messageOf(error instanceof TaskFailure ? error.cause : error);
  const [, line] = /CSV Error on Line: (\d+)/.exec(message) ?? [];
  if (line === undefined) return null;
  return new TaskFailure('InvalidInput', `line ${line} of ${file}: ${csvFact(message)}`, {}, error);
}

function csvFact(message: string): string {
  const [, column, text, type] =
    /converting column "([^\n]*)"\. Could not convert string "([\s\S]*?)" to '([^']*)'/.exec(message) ?? [];
  if (column !== undefined) {
    const value = (text ?? '').length > 80 ? `${text?.slice(0, 80)}…` : text;
    return `column "${column}": "${value}" cannot be read as ${type}; mend the file, or declare another type`;
  }
  const [, expected, found] = /Expected Number of Columns: (\d+) Found: (\d+)/.exec(message) ?? [];
  if (expected !== undefined)
    return `${found} fields where ${expected} columns are declared; mend the file, or set delimiter`;
  if (/unterminated quote/i.test(message)) return 'a quoted value does not end; mend the file';
  if (/not utf-8/i.test(message)) return 'the text is not UTF-8; convert the file';
  if (/Maximum line size/i.test(message)) return `the line is longer than ${longestLineBytes} bytes; mend the file`;
  const [, rest = message] = /Original Line:[^\n]*\n([^\n]*)/.exec(message) ?? [];
  return rest;
}
