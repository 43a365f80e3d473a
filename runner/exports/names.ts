import pg from 'pg';
import { longestName, parseTableName } from '../../schemas/table-name.ts';
import { TaskFailure } from '../errors.ts';

/** A table: its names exactly as they are, and quoted for SQL. */
export type TableName = { schema: string; name: string; quoted: string };

/** Reads a manifest's `schema.table` or `table`, which is then in `defaultSchema`. */
export function parseTable(text: string, defaultSchema: string): TableName {
  const parsed = parseTableName(text);
  if (parsed) return tableName(parsed.schema ?? defaultSchema, parsed.name);
  throw new TaskFailure('SchemaMismatch', `table: "${text}" is no table name; write it as schema.table or table`);
}

export function tableName(schema: string, name: string): TableName {
  return { schema, name, quoted: `${quote(schema)}.${quote(name)}` };
}

/** A name as an SQL identifier. */
export function quote(name: string): string {
  return pg.escapeIdentifier(name);
}

/** Why a column of the rows cannot be a column in Postgres, or null. */
export function columnNameProblem(name: string, position: number, all: readonly string[]): string | null {
  if (name === '') return `column ${position + 1} of the rows has no name; name it in SQL: select "" as name`;
  if (Buffer.byteLength(name) > longestName)
    return `column "${name}" has a name of more than ${longestName} bytes; shorten it in SQL`;
  if (name.includes('\0')) return `column ${position + 1} of the rows has a NUL in its name; rename it in SQL`;
  if (all.indexOf(name) !== position) return `the rows have two columns "${name}"; rename one in SQL`;
  return null;
}
