import { convertTo } from './convert.ts';
import { ExpressionError } from './errors.ts';
import type { Scalar, ScalarType, Scope } from './scope.ts';
import { didYouMean } from './suggest.ts';
import { isWholeTemplate, renderTemplate } from './template.ts';

/** A declaration of a variable or parameter. */
export type Declaration = { readonly type: ScalarType; readonly default?: Scalar };

/**
 * The values of declared variables: those given, converted to their types, and defaults for the rest. Throws an ExpressionError
 * for a value of the wrong type, one that is not declared, and one that is missing.
 */
export function resolveVariables(options: {
  declared: Readonly<Record<string, Declaration>>;
  given: Readonly<Record<string, Scalar>>;
  /** What messages call them; `variable` by default. */
  word?: 'variable' | 'parameter';
}): Record<string, Scalar> {
  const { declared, given, word = 'variable' } = options;
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(declared, name));
  if (unknown !== undefined) {
    const names = Object.keys(declared);
    const known = names.length === 0 ? '; none is declared' : `; declared are ${names.join(', ')}`;
    throw new ExpressionError(`${word} "${unknown}" is not declared${didYouMean(unknown, names) || known}`);
  }
  return Object.fromEntries(
    Object.entries(declared).map(([name, declaration]) => [name, pick(`${word} "${name}"`, name, declaration, given)]),
  );
}

function pick(what: string, name: string, declaration: Declaration, given: Readonly<Record<string, Scalar>>): Scalar {
  const value = Object.hasOwn(given, name) ? given[name] : declaration.default;
  if (value === undefined) throw new ExpressionError(`${what} has no value; give one or declare a default`);
  if (value === null) return null;
  return convertScalar(value, declaration.type, what);
}

/** Converts a plain value: `'7'` to integer is 7. Throws an ExpressionError that begins with `what`. */
export function convertScalar(value: Scalar, as: ScalarType, what: string): Scalar {
  return convertTo(value, as, what);
}

/**
 * The scope of a reused Block’s body: its parameters, evaluated in the pipeline’s scope, and the window. Throws an
 * ExpressionError.
 */
export function blockScope(options: {
  parameters: Readonly<Record<string, Scalar>>;
  types: Readonly<Record<string, Declaration>>;
  scope: Scope;
}): Scope {
  const { parameters, types, scope } = options;
  const given = Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [name, evaluateParameter(value, scope)]),
  );
  const variables = resolveVariables({ declared: types, given, word: 'parameter' });
  return { variables, types, window: scope.window, timeZone: scope.timeZone };
}

function evaluateParameter(value: Scalar, scope: Scope): Scalar {
  if (typeof value !== 'string') return value;
  return renderTemplate(value, scope, isWholeTemplate(value) ? 'scalar' : 'string');
}
