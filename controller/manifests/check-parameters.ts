import type { Parameter } from '../../schemas/generated/types.ts';
import { convertTo } from '../expressions/convert.ts';
import { reservedNames } from '../expressions/names.ts';
import { didYouMean } from '../expressions/suggest.ts';
import { ExpressionError, type Scalar } from '../expressions/template.ts';
import type { Report } from './context.ts';
import type { Path } from './locate.ts';
import { show } from './schema-faults.ts';

type Parameters = Readonly<Record<string, Parameter>>;

/** Checks names and defaults of variables or parameters. */
export function checkDeclarations(declared: Parameters, report: Report, path: Path): void {
  for (const [name, { type, default: value }] of Object.entries(declared)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(name)) {
      const message =
        'cannot be a name in expressions; use letters, digits and underscores, beginning with a letter, at most 63 characters';
      report([...path, name], 'bad-name', message, { on: 'key' });
    } else if (reservedNames.has(name)) {
      report([...path, name], 'bad-name', 'has a name that expressions keep for themselves; choose another one', {
        on: 'key',
      });
    }
    if (value === undefined || value === null) continue;
    if (!isOfType(value, type)) {
      report(
        [...path, name, 'default'],
        'wrong-type',
        `is ${show(value)}, which is not of type ${type}; correct it or the type`,
      );
    }
  }
}

/** Whether a default fits its type. */
export function isOfType(value: Scalar, type: Parameter['type']): boolean {
  return type === 'integer' ? Number.isSafeInteger(value) : typeof value === type;
}

/** Checks the values of `with` against the Block’s parameters. */
export function checkWith(options: {
  values: Readonly<Record<string, Scalar>>;
  declared: Parameters;
  use: string;
  report: Report;
  /** Of the block that has `use` and `with`. */
  path: Path;
}): void {
  const { values, declared, use, report, path } = options;
  const names = Object.keys(declared);
  for (const [name, value] of Object.entries(values)) {
    const at = [...path, 'with', name];
    const declaration = Object.hasOwn(declared, name) ? declared[name] : undefined;
    if (!declaration) {
      const known = names.length === 0 ? '; it has none' : `; it has ${names.join(', ')}`;
      report(at, 'bad-parameter', `is no parameter of block "${use}"${didYouMean(name, names) || known}`, {
        on: 'key',
      });
    } else if (conversion(value, declaration.type) === undefined) {
      report(
        at,
        'bad-parameter',
        `is ${show(value)}, and parameter "${name}" of block "${use}" is of type ${declaration.type}; correct the value`,
      );
    }
  }
  const missing = names.filter((name) => declared[name]?.default === undefined && !Object.hasOwn(values, name));
  for (const name of missing) {
    report(
      [...path, 'use'],
      'missing-parameter',
      `is "${use}", whose parameter "${name}" has no value; add it to \`with\``,
    );
  }
}

/** The value as the compiled block carries it: templates as they are, anything else converted. Undefined when it does not fit. */
export function conversion(value: Scalar, type: Parameter['type']): Scalar | undefined {
  if (value === null || (typeof value === 'string' && value.includes('{{'))) return value;
  try {
    return convertTo(value, type, 'the value');
  } catch (error) {
    if (error instanceof ExpressionError) return undefined;
    throw error;
  }
}
