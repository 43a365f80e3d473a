import type { DuckDBValue } from '@duckdb/node-api';
import { shiftParameters } from './sql-text.ts';

/**
 * SQL that a person wrote, as a part of a larger statement. `where` says in a message what it is (`block "a"`, `block "a": check
 * "b"`); `locate` tells a place in this text (from 1) as a place in the source.
 */
export type Fragment = {
  readonly sql: string;
  readonly parameters: readonly DuckDBValue[];
  readonly where: string;
  readonly block: string;
  readonly locate: (line: number, column: number) => SourcePlace;
};

/** `hint` is said in the message where the text stands inside a manifest, whose own line is not known. */
export type SourcePlace = { file: string; line: number; column: number; hint?: string };

/** A statement for the engine, and which of its lines come from which fragment. */
export type Statement = {
  readonly sql: string;
  readonly parameters: readonly DuckDBValue[];
  readonly fragments: readonly { readonly fragment: Fragment; readonly firstLine: number; readonly lastLine: number }[];
};

/**
 * Puts a statement together. Each fragment begins on a line of its own, so that the engine's line and column lead back to
 * the text; statements may be parts as well.
 */
export function statement(...parts: readonly (string | Fragment | Statement)[]): Statement {
  let sql = '';
  const parameters: DuckDBValue[] = [];
  const fragments: Statement['fragments'][number][] = [];
  for (const part of parts) {
    if (typeof part === 'string') {
      sql += part;
      continue;
    }
    const line = countLines(sql) + 1;
    const text = shiftParameters(part.sql, parameters.length);
    const lastLine = line + countLines(text) - 1;
    if ('fragments' in part) {
      const shifted = part.fragments.map(({ fragment, firstLine, lastLine: last }) => ({
        fragment,
        firstLine: firstLine + line - 1,
        lastLine: last + line - 1,
      }));
      fragments.push(...shifted);
    } else fragments.push({ fragment: part, firstLine: line, lastLine });
    sql += `\n${text}\n`;
    parameters.push(...part.parameters);
  }
  return { sql, parameters, fragments };
}

function countLines(text: string): number {
  return text.split('\n').length;
}
