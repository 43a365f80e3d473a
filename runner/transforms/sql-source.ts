import { splitTemplate } from '../../controller/expressions/segments.ts';
import type { Scalar } from '../../controller/expressions/template.ts';
import { bindTemplate, ExpressionError, type Scope } from '../../controller/expressions/template.ts';
import type { Bundle, CompiledBlock } from '../../schemas/generated/types.ts';
import type { SourcePlace } from '../engine/statement.ts';
import { TaskFailure } from '../errors.ts';

/** SQL as a person wrote it: in the manifest, or in a file of its own. */
type SqlText = string | { readonly file: string };

/** SQL with its `{{ }}` bound as `$1`, `$2`, …. `locate` leads from a place in `sql` (from 1) to the place in the source. */
export type BoundSql = {
  readonly sql: string;
  readonly parameters: readonly (Scalar | Date)[];
  readonly locate: (line: number, column: number) => SourcePlace;
};

/** Throws `ExpressionFailed`. */
export function bindSql(sql: SqlText, origin: CompiledBlock['origin'], bundle: Bundle, scope: Scope): BoundSql {
  const text = typeof sql === 'string' ? sql : bundle.files[sql.file];
  if (text === undefined) throw new TaskFailure('InternalError', 'the bundle lacks the text of its SQL file');
  try {
    const bound = bindTemplate(text, scope);
    const locate = (line: number, column: number): SourcePlace => {
      const place = lineAndColumn(text, templateOffset(text, offsetOf(bound.sql, line, column)));
      if (typeof sql !== 'string') return { file: sql.file, ...place };
      return { ...origin, hint: `line ${place.line}, column ${place.column} of its SQL` };
    };
    return { ...bound, locate };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new TaskFailure('ExpressionFailed', `sql: ${error.message}`, {}, error);
  }
}

/** Where in a template the character at `offset` of its bound form comes from. */
function templateOffset(template: string, offset: number): number {
  let position = 0;
  let count = 0;
  for (const segment of splitTemplate(template).segments) {
    const length = segment.kind === 'text' ? segment.text.length : `$${++count}`.length;
    if (offset < position + length) return segment.offset + (segment.kind === 'text' ? offset - position : 0);
    position += length;
  }
  return template.length;
}

export function lineAndColumn(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

function offsetOf(text: string, line: number, column: number): number {
  const before = text.split('\n').slice(0, line - 1);
  return before.reduce((sum, each) => sum + each.length + 1, 0) + column - 1;
}
