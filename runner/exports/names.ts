import pg from 'pg';
import { TaskFailure } from '../errors.ts';

/** A table: its names exactly as they are, and quoted for SQL. */
export type TableName = { schema: string; name: string; quoted: string };

const part = /^(?:"((?:[^"]|"")+)"|((?!")[^.]+))(?:\.|$)/;

/**
 * Reads `schema.table` or `table` (then in `defaultSchema`). Names are kept exactly: no case folding. A name with a dot
 * in it is quoted as in SQL: `"a.b".c`.
 */
export function parseTable(text: string, defaultSchema: string): TableName {
  const names: string[] = [];
  for (let rest = text; rest !== ''; ) {
    const match = part.exec(rest);
    const name = match?.[1]?.replaceAll('""', '"') ?? match?.[2] ?? '';
    if (!match || name === '') throw badTable(text);
    names.push(name);
    rest = rest.slice(match[0].length);
  }
  const [first, second, ...more] = names;
  if (first === undefined || more.length > 0 || text.endsWith('.')) throw badTable(text);
  return second === undefined ? tableName(defaultSchema, first) : tableName(first, second);
}

export function tableName(schema: string, name: string): TableName {
  return { schema, name, quoted: `${quote(schema)}.${quote(name)}` };
}

/** A name as an SQL identifier. */
export function quote(name: string): string {
  return pg.escapeIdentifier(name);
}

function badTable(text: string): TaskFailure {
  return new TaskFailure('SchemaMismatch', `table: "${text}" is no table name; write it as schema.table or table`);
}

/** Postgres cuts longer names silently. */
const longestName = 63;

/** Why a column of the rows cannot be a column in Postgres, or null. */
export function columnNameProblem(name: string, position: number, all: readonly string[]): string | null {
  if (name === '') return `column ${position + 1} of the rows has no name; name it in SQL: select "" as name`;
  if (Buffer.byteLength(name) > longestName)
    return `column "${name}" has a name of more than ${longestName} bytes; shorten it in SQL`;
  if (name.includes('\0')) return `column ${position + 1} of the rows has a NUL in its name; rename it in SQL`;
  if (all.indexOf(name) !== position) return `the rows have two columns "${name}"; rename one in SQL`;
  return null;
}
