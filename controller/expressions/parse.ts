import { parse } from '@bufbuild/cel';
import { expressionLimits } from '../../schemas/expressions.ts';
import { skipString } from './segments.ts';

/** A parsed expression: its tree and, by node id, where each node stands in the source. */
export type Parsed = ReturnType<typeof parse>;
export type Expr = Parsed['expr'];

export type ParseFault = { readonly offset: number; readonly message: string };

/** Parses one CEL expression. Faults are returned: `offset` counts from the start of `source`. */
export function parseExpression(source: string): Parsed | ParseFault {
  const fault = checkLimits(source);
  if (fault) return fault;
  try {
    return parse(source);
  } catch (error) {
    return syntaxFault(source, error);
  }
}

function checkLimits(source: string): ParseFault | undefined {
  if (source.trim() === '') return { offset: 0, message: 'the expression is empty; write a name or remove the braces' };
  if (source.length > expressionLimits.length) {
    const message = `the expression has ${source.length} characters and the limit is ${expressionLimits.length}; move the logic into SQL or a variable`;
    return { offset: 0, message };
  }
  let depth = 0;
  for (let position = 0; position < source.length; position++) {
    const character = source[position] ?? '';
    if (character === '"' || character === "'") position = skipString(source, position) - 1;
    else if ('([{'.includes(character)) depth++;
    else if (')]}'.includes(character)) depth--;
    if (depth > expressionLimits.nesting) {
      return {
        offset: position,
        message: `brackets nest deeper than ${expressionLimits.nesting} levels; split the expression`,
      };
    }
  }
  return undefined;
}

function syntaxFault(source: string, error: unknown): ParseFault {
  const offset = errorOffset(error) ?? 0;
  const rest = source.slice(offset).trim();
  const found = rest === '' ? 'it ends too early' : `"${rest.slice(0, 20)}" is not expected there`;
  return {
    offset,
    message: `"${shorten(source)}" is not a CEL expression: ${found}; strings need quotes, and operators are &&, ||, !, ==`,
  };
}

function errorOffset(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('location' in error)) return undefined;
  const { location } = error as { location?: { start?: { offset?: unknown } } };
  return typeof location?.start?.offset === 'number' ? location.start.offset : undefined;
}

/** The source on one line, cut for messages. */
export function shorten(source: string): string {
  const line = source.trim().replace(/\s+/g, ' ');
  return line.length > 80 ? `${line.slice(0, 77)}...` : line;
}
