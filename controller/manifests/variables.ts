import { didYouMean } from '../expressions/suggest.ts';

type Scalar = string | number | boolean | null;
type Declared = Record<string, { readonly type: string; readonly default?: unknown }>;

/**
 * Values given for a run, converted to their declared types: command lines carry text, so text that reads as the type is
 * taken as such. The error is one sentence about the first value that does not fit.
 */
export function convertVariables(declared: Declared, given: Record<string, Scalar>): { values: Record<string, Scalar> } | { error: string } {
  const values: Record<string, Scalar> = {};
  for (const [name, value] of Object.entries(given)) {
    const type = Object.hasOwn(declared, name) ? declared[name]?.type : undefined;
    if (type === undefined) return { error: `there is no variable "${name}"${didYouMean(name, Object.keys(declared))}` };
    const converted = convert(value, type);
    if (converted === undefined) return { error: `variable "${name}" must be of type ${type}, and "${value}" is not` };
    values[name] = converted;
  }
  return { values };
}

function convert(value: Scalar, type: string): Scalar | undefined {
  if (value === null) return null;
  const text = String(value);
  if (type === 'string') return text;
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : undefined;
  const number = text.trim() === '' ? Number.NaN : Number(text);
  if (type === 'integer') return Number.isSafeInteger(number) ? number : undefined;
  return Number.isFinite(number) ? number : undefined;
}
