import { didYouMean } from '../expressions/suggest.ts';
import { ExpressionError, type Scalar, type ScalarType } from '../expressions/template.ts';
import { convertScalar } from '../expressions/variables.ts';

type Declared = Readonly<Record<string, { readonly type: string; readonly default?: unknown }>>;

/**
 * Values given for a run, converted to their declared types: command lines carry text, so text that reads as the type is
 * taken as such. The error is one sentence about the first value that does not fit.
 */
export function convertVariables(
  declared: Declared,
  given: Readonly<Record<string, Scalar>>,
): { values: Record<string, Scalar> } | { error: string } {
  const values: Record<string, Scalar> = {};
  for (const [name, value] of Object.entries(given)) {
    const type = Object.hasOwn(declared, name) ? declared[name]?.type : undefined;
    if (type === undefined)
      return { error: `there is no variable "${name}"${didYouMean(name, Object.keys(declared))}` };
    try {
      values[name] = value === null ? null : convertScalar(value, type as ScalarType, `variable "${name}"`);
    } catch (error) {
      if (error instanceof ExpressionError) return { error: error.message };
      throw error;
    }
  }
  return { values };
}
