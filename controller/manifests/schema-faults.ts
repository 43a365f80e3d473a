import type { SchemaError } from '../../schemas/generated/validators.js';
import type { ProblemCode } from '../../schemas/problem-codes.ts';
import { didYouMean } from '../expressions/suggest.ts';
import type { Path } from './locate.ts';

/** One fault of a manifest against its schema. `message` goes on from the manifest’s and the field’s names. */
export type SchemaFault = {
  readonly code: ProblemCode;
  readonly path: Path;
  readonly on: 'key' | 'value';
  readonly message: string;
};

type Schema = Readonly<Record<string, unknown>>;

/** Errors that are looked at, since a file can hold a hundred thousand of them. */
const maxErrors = 1000;

/** Turns the validator’s errors into one fault each, with a way out. */
export function schemaFaults(errors: readonly SchemaError[]): SchemaFault[] {
  return withoutAlternatives(errors.slice(0, maxErrors)).map(toFault);
}

/**
 * An `anyOf` reports the faults of all its alternatives and itself. Kept are the faults of the only alternative whose type fits the
 * value; when none fits, or several do, the `anyOf` alone speaks.
 */
function withoutAlternatives(errors: readonly SchemaError[]): SchemaError[] {
  const dropped = errors.filter(({ keyword }) => keyword === 'anyOf').flatMap((any) => superfluous(any, errors));
  return errors.filter((error) => !dropped.includes(error));
}

function superfluous(any: SchemaError, errors: readonly SchemaError[]): SchemaError[] {
  const prefix = `${any.schemaPath}/`;
  const inside = errors.filter(
    ({ schemaPath, instancePath }) => schemaPath.startsWith(prefix) && instancePath.startsWith(any.instancePath),
  );
  const branches = Map.groupBy(inside, ({ schemaPath }) => schemaPath.slice(prefix.length).split('/')[0]);
  const isOfOtherType = ({ keyword, instancePath, parentSchema }: SchemaError) =>
    instancePath === any.instancePath && (keyword === 'type' || isTemplatePattern(parentSchema));
  const fitting = [...branches.values()].filter((faults) => !faults.some(isOfOtherType));
  const [kept] = fitting;
  if (!kept || fitting.length > 1) return inside;
  return [any, ...inside.filter((error) => !kept.includes(error))];
}

function toFault(error: SchemaError): SchemaFault {
  const path = pathOf(error.instancePath);
  const schema = error.parentSchema;
  switch (error.keyword) {
    case 'additionalProperties':
      return unknownField(path, schema, String(error.params.additionalProperty));
    case 'required': {
      const field = String(error.params.missingProperty);
      return {
        code: 'missing-field',
        path,
        on: 'key',
        message: `lacks "${field}"; add it: ${describe(field, schema)}`,
      };
    }
    case 'type':
    case 'anyOf':
      return {
        code: 'wrong-type',
        path,
        on: 'value',
        message: `is ${show(error.data)}, which is not ${typesOf(schema).join(' or ')}; ${typeWayOut(schema)}`,
      };
    case 'pattern':
    case 'maxLength':
    case 'minLength':
      return { ...textFault(schema, error.data), path, on: 'value' };
    case 'enum': {
      const values = (schema.enum as unknown[]).map(String);
      const meant = didYouMean(String(error.data), values);
      return {
        code: 'bad-value',
        path,
        on: 'value',
        message: `is ${show(error.data)}, which is not one of ${values.join(', ')}${meant || '; write one of them'}`,
      };
    }
    case 'const': {
      const message = `is ${show(error.data)}, which this program does not read; write ${String(schema.const)}`;
      return { code: 'unknown-api-version', path, on: 'value', message };
    }
    default:
      return { code: 'bad-value', path, on: 'value', message: limitMessage(error) };
  }
}

function unknownField(path: Path, schema: Schema, field: string): SchemaFault {
  const known = Object.keys((schema.properties ?? {}) as Schema);
  const message = `has no field "${field}"${didYouMean(field, known) || `; its fields are ${known.join(', ')}`}`;
  return { code: 'unknown-field', path: [...path, field], on: 'key', message };
}

function limitMessage(error: SchemaError): string {
  const { limit } = error.params as { limit?: number };
  switch (error.keyword) {
    case 'minimum':
      return `is ${show(error.data)}; the least is ${limit}, write that or more`;
    case 'maximum':
      return `is ${show(error.data)}; the most is ${limit}, write that or less`;
    case 'minItems':
      return 'is empty; add at least one item';
    case 'maxItems':
      return `has too many items; the most is ${limit}, remove the others`;
    case 'uniqueItems':
      return 'has the same item twice; remove one';
    default:
      return `${error.message ?? 'is not valid'}; ${lower(error.parentSchema.description)}`;
  }
}

function textFault(schema: Schema, data: unknown): { code: ProblemCode; message: string } {
  const pattern = typeof schema.pattern === 'string' ? schema.pattern : '';
  if (pattern.includes('ms|s|m|h|d')) {
    return {
      code: 'bad-duration',
      message: `is ${show(data)}, which is not a length of time; write one such as 30s, 10m or 1h30m`,
    };
  }
  if (pattern.startsWith('^[a-z]')) {
    const separator = pattern.includes('_') ? 'underscores' : 'dashes';
    const rule = `lower-case letters, digits and ${separator}, beginning with a letter, at most ${schema.maxLength} characters`;
    return { code: 'bad-name', message: `is ${show(data)}, which cannot be a name; use ${rule}` };
  }
  return { code: 'bad-value', message: `is ${show(data)}, which does not fit; write ${lower(schema.description)}` };
}

const typeWords: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'an integer',
  number: 'a number',
  boolean: 'true or false',
  object: 'a map',
  array: 'a list',
  null: 'null',
};

function typesOf(schema: Schema): string[] {
  if (Array.isArray(schema.anyOf)) {
    const words = (schema.anyOf as Schema[]).flatMap((branch) =>
      isTemplatePattern(branch) ? ['a {{ }}'] : typesOf(branch),
    );
    return [...new Set(words)];
  }
  const types = Array.isArray(schema.type) ? schema.type : [schema.type];
  return types.map((type) => typeWords[String(type)] ?? String(type));
}

function isTemplatePattern(schema: Schema): boolean {
  return typeof schema.pattern === 'string' && schema.pattern.startsWith('^\\{\\{');
}

function typeWayOut(schema: Schema): string {
  return schema.type === 'string'
    ? 'write text, in quotes where YAML would read something else'
    : `write ${typesOf(schema)[0] ?? 'another value'}`;
}

/** A value as messages show it. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a map';
  return value === null ? 'empty' : String(value);
}

function describe(field: string, schema: Schema): string {
  const property = ((schema.properties ?? {}) as Record<string, Schema>)[field];
  const text = property?.description;
  return typeof text === 'string' ? lower(text) : `the field is needed`;
}

/** A description as the end of a sentence. */
function lower(description: unknown): string {
  const text = typeof description === 'string' ? description.replace(/\.$/, '') : 'another value';
  return /^[A-Z][a-z ]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}

function pathOf(pointer: string): (string | number)[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}
