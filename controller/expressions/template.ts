import { expressionLimits } from '../../schemas/expressions.ts';
import { convertTo, toScalar, toText } from './convert.ts';
import { ExpressionError } from './errors.ts';
import { evaluate } from './evaluate.ts';
import type { ScopeNames } from './names.ts';
import { parseExpression, shorten } from './parse.ts';
import type { Scalar, ScalarType, Scope } from './scope.ts';
import { type Segments, splitTemplate } from './segments.ts';
import { quotedExpressions } from './sql-quoting.ts';
import { type ExpressionProblem, walkExpression } from './walk.ts';

export { ExpressionError } from './errors.ts';
export type { OutputNames, ScopeNames } from './names.ts';
export type { Scalar, ScalarType, Scope } from './scope.ts';

/** A fault in a templated text: `offset` and `length` count UTF-16 units in it. */
export type TemplateProblem = {
  readonly code: ExpressionProblem['code'] | 'quoted-expression';
  readonly offset: number;
  readonly length: number;
  readonly message: string;
};

const sectionOf = { string: 'a string literal', identifier: 'a quoted identifier', comment: 'a comment' } as const;

/** All faults in the `{{ }}` of a text: syntax, limits, unknown names. Nothing is evaluated. */
export function checkTemplate(text: string, names: ScopeNames): TemplateProblem[] {
  return text.includes('{{') ? checkSegments(splitTemplate(text), names) : [];
}

/** As `checkTemplate`, for SQL, where a `{{ }}` is bound as a parameter and therefore may not stand in quotes or comments. */
export function checkSql(text: string, names: ScopeNames): TemplateProblem[] {
  if (!text.includes('{{')) return [];
  const split = splitTemplate(text);
  const quoted = quotedExpressions(split).map(({ segment, quoting }): TemplateProblem => {
    const wayOut = quoting === 'comment' ? 'remove the braces' : 'remove the quotes: the value is bound as a parameter';
    const message = `{{ ${shorten(segment.kind === 'expression' ? segment.source : '')} }} stands inside ${sectionOf[quoting]}; ${wayOut}`;
    return { code: 'quoted-expression', offset: segment.offset, length: segment.end - segment.offset, message };
  });
  return [...checkSegments(split, names), ...quoted].sort((a, b) => a.offset - b.offset);
}

function checkSegments(split: Segments, names: ScopeNames): TemplateProblem[] {
  const count = split.segments.filter(({ kind }) => kind === 'expression').length;
  if (count > expressionLimits.perText) {
    const message = `the text has ${count} expressions and the limit is ${expressionLimits.perText}; split the text`;
    return [{ code: 'bad-expression', offset: 0, length: 1, message }];
  }
  const problems = split.segments.flatMap((segment) =>
    segment.kind === 'text' ? [] : checkExpression(segment.source, segment.sourceOffset, names),
  );
  if (split.unclosed !== undefined) {
    const message = 'a "{{" has no "}}"; close it, or write the braces as text: {{ "{{" }}';
    problems.push({ code: 'bad-expression', offset: split.unclosed, length: 2, message });
  }
  return problems;
}

function checkExpression(source: string, offset: number, names: ScopeNames): TemplateProblem[] {
  const parsed = parseExpression(source);
  if (!('expr' in parsed))
    return [{ code: 'bad-expression', offset: offset + parsed.offset, length: 1, message: parsed.message }];
  return walkExpression(parsed, names).problems.map((problem) => ({ ...problem, offset: offset + problem.offset }));
}

/** All faults in a condition such as `when`: one CEL expression without braces. */
export function checkCondition(text: string, names: ScopeNames): TemplateProblem[] {
  if (text.trimStart().startsWith('{{')) {
    const message = 'a condition is an expression by itself; write it without {{ }}';
    return [{ code: 'bad-expression', offset: text.indexOf('{{'), length: 2, message }];
  }
  return checkExpression(text, 0, names);
}

/** Whether the text is one `{{ }}` and nothing else, so that its value keeps its type. */
export function isWholeTemplate(text: string): boolean {
  const { segments, unclosed } = splitTemplate(text);
  return unclosed === undefined && segments.length === 1 && segments[0]?.kind === 'expression';
}

/**
 * Evaluates the `{{ }}` of a text. One that is the whole text keeps its type and is converted to `as`; any other text is a
 * string first. Instants become RFC 3339 in UTC. Throws an ExpressionError.
 */
export function renderTemplate(text: string, scope: Scope, as: ScalarType | 'scalar'): Scalar {
  const segments = closedSegments(text);
  const [first] = segments;
  if (segments.length === 1 && first?.kind === 'expression') {
    return convertTo(evaluate(first.source, scope), as, `{{ ${shorten(first.source)} }}`);
  }
  const parts = segments.map((segment) =>
    segment.kind === 'text'
      ? segment.text
      : toText(evaluate(segment.source, scope), `{{ ${shorten(segment.source)} }}`),
  );
  return convertTo(parts.join(''), as, 'the value');
}

/** A SQL text whose `{{ }}` became `$1`, `$2`, …, and the values of those; instants stay Dates. Throws an ExpressionError. */
export function bindTemplate(text: string, scope: Scope): { sql: string; parameters: (Scalar | Date)[] } {
  const parameters: (Scalar | Date)[] = [];
  const parts = closedSegments(text).map((segment) => {
    if (segment.kind === 'text') return segment.text;
    const value = evaluate(segment.source, scope);
    parameters.push(value instanceof Date ? value : toScalar(value, `{{ ${shorten(segment.source)} }}`));
    return `$${parameters.length}`;
  });
  return { sql: parts.join(''), parameters };
}

/** Evaluates a condition. Throws an ExpressionError, also when the value is neither true nor false. */
export function evaluateCondition(text: string, scope: Scope): boolean {
  const value = evaluate(text, scope);
  if (typeof value === 'boolean') return value;
  throw new ExpressionError(
    `the condition "${shorten(text)}" yields ${toText(value, 'it')}, which is neither true nor false; compare it with something`,
  );
}

/** The environment variables that `env_var` names in a text, without repetition, in order of appearance. */
export function environmentNames(text: string): string[] {
  if (!text.includes('{{')) return [];
  const names = splitTemplate(text).segments.flatMap((segment) => {
    if (segment.kind === 'text') return [];
    const parsed = parseExpression(segment.source);
    if (!('expr' in parsed)) return [];
    return walkExpression(parsed, { variables: [], window: 'hidden', run: false, environment: true }).environment;
  });
  return [...new Set(names)];
}

function closedSegments(text: string): Segments['segments'] {
  const { segments, unclosed } = splitTemplate(text);
  if (unclosed === undefined) return segments;
  throw new ExpressionError(`"${shorten(text)}" has a "{{" without "}}"; close it`);
}
