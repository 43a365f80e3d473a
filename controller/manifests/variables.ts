import { convertTo } from '../expressions/convert.ts';
import { didYouMean } from '../expressions/suggest.ts';
import { ExpressionError, type Scalar, type ScalarType } from '../expressions/template.ts';

type Declared = Readonly<Record<string, { readonly type: string; readonly default?: unknown }>>;
type Values = Record<string, Scalar>;

/**
 * Values given for a run, converted to their declared types: command lines carry text, so text that reads as the type is
 * taken as such. The error is one sentence about the first value that does not fit, is not declared, or is missing.
 */
export function convertVariables(declared: Declared, given: Readonly<Values>): { values: Values } | { error: string } {
  const values: Values = {};
  for (const [name, value] of Object.entries(given)) {
    const type = Object.hasOwn(declared, name) ? declared[name]?.type : undefined;
    if (type === undefined) return { error: unknown(name, Object.keys(declared)) };
    try {
      values[name] = value === null ? null : convertTo(value, type as ScalarType, `variable "${name}"`);
    } catch (error) {
      if (error instanceof ExpressionError) return { error: error.message };
      throw error;
    }
  }
  const missing = Object.keys(declared).find(
    (name) => declared[name]?.default === undefined && !Object.hasOwn(given, name),
  );
  if (missing === undefined) return { values };
  return { error: `variable "${missing}" has no value and no default; give it one, as in --var ${missing}=VALUE` };
}

function unknown(name: string, names: readonly string[]): string {
  const known = names.length === 0 ? '; the pipeline declares none' : `; declared are ${names.join(', ')}`;
  return `there is no variable "${name}"${didYouMean(name, names) || known}`;
}
