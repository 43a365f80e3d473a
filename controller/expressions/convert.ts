import { ExpressionError } from './errors.ts';
import type { Value } from './evaluate.ts';
import type { Scalar, ScalarType } from './scope.ts';

/** An instant as expressions write it: RFC 3339 in UTC, without a fraction where there is none. */
function instantText(date: Date): string {
  return date.toISOString().replace('.000Z', 'Z');
}

/** A value as part of a longer text. `what` names it in the error. */
export function toText(value: Value, what: string): string {
  if (value === null) throw new ExpressionError(`${what} is null and cannot be part of a text; give it a value`);
  if (value instanceof Date) return instantText(value);
  if (typeof value === 'object') return `${value.seconds}s`;
  return String(value);
}

/** A value as a plain scalar. Integers beyond 2^53 are refused, since JSON and JavaScript would round them. */
export function toScalar(value: Value, what: string): Scalar {
  if (typeof value === 'bigint') {
    const number = Number(value);
    if (Number.isSafeInteger(number)) return number;
    throw new ExpressionError(
      `${what} is ${value}, which is too large for an exact number; turn it into text with string()`,
    );
  }
  if (value instanceof Date) return instantText(value);
  if (value !== null && typeof value === 'object') return `${value.seconds}s`;
  return value;
}

/** Converts to the type that a field or parameter has. Throws an ExpressionError that names the value. */
export function convertTo(value: Value, as: ScalarType | 'scalar', what: string): Scalar {
  switch (as) {
    case 'scalar':
      return toScalar(value, what);
    case 'string':
      return toText(value, what);
    case 'boolean':
      if (typeof value === 'boolean') return value;
      if (value === 'true' || value === 'false') return value === 'true';
      throw mismatch(value, what, 'true or false');
    case 'integer':
    case 'number':
      return toNumber(value, as, what);
  }
}

function toNumber(value: Value, as: 'integer' | 'number', what: string): number {
  const wanted = as === 'integer' ? 'an integer' : 'a number';
  const isNumeral = typeof value === 'string' && /^\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*$/.test(value);
  if (typeof value !== 'bigint' && typeof value !== 'number' && !isNumeral) throw mismatch(value, what, wanted);
  const number = Number(value);
  if (!Number.isFinite(number)) throw mismatch(value, what, wanted);
  if (as === 'integer' && !Number.isSafeInteger(number)) throw mismatch(value, what, wanted);
  return number;
}

function mismatch(value: Value, what: string, wanted: string): ExpressionError {
  const shown = typeof value === 'string' ? JSON.stringify(value) : value === null ? 'null' : toText(value, what);
  return new ExpressionError(`${what} is ${shown}, which is not ${wanted}; correct the value`);
}
