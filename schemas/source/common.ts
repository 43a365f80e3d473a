/** A JSON Schema (2020-12) fragment. Every property of a contract carries a `description`; a test holds that. */
export type Schema = { readonly [key: string]: unknown };

/** A value that may be a `{{ }}` expression instead; the result is converted to the field's type at run time. */
export function templated(schema: Schema): Schema {
  const { description, ...rest } = schema;
  if (rest.type === 'string') return { ...schema, 'x-templated': true };
  return {
    description,
    'x-templated': true,
    anyOf: [rest, { type: 'string', pattern: '^\\{\\{.*\\}\\}$' }],
  };
}

export function object(
  description: string,
  properties: Record<string, Schema>,
  required: readonly string[] = [],
): Schema {
  return { type: 'object', description, additionalProperties: false, properties, required: [...required] };
}

export function map(description: string, values: Schema): Schema {
  return { type: 'object', description, additionalProperties: values };
}

export function list(description: string, items: Schema, extra: Schema = {}): Schema {
  return { type: 'array', description, items, ...extra };
}

export function nullable(schema: Schema): Schema {
  const { description, ...rest } = schema;
  return { description, anyOf: [rest, { type: 'null' }] };
}

export function ref(name: string): Schema {
  return { $ref: `#/$defs/${name}` };
}

/** Names become parts of Kubernetes object names, so they follow RFC 1123, short enough for a window label behind them. */
export const objectName: Schema = {
  type: 'string',
  description: 'Lower-case letters, digits and dashes; begins with a letter, at most 52 characters.',
  pattern: '^[a-z]([-a-z0-9]*[a-z0-9])?$',
  maxLength: 52,
};

/** Block names are SQL relation names too, hence underscores and no dashes. */
export const blockName: Schema = {
  type: 'string',
  description:
    'Lower-case letters, digits and underscores; begins with a letter, at most 40 characters. SQL names its inputs by it.',
  pattern: '^[a-z][a-z0-9_]*$',
  maxLength: 40,
};

export const priority: Schema = { type: 'integer', description: 'Higher goes first.', minimum: -1000, maximum: 1000 };

export const duration: Schema = {
  type: 'string',
  description: 'A length of time: `500ms`, `30s`, `10m`, `3h`, `2d`, or several parts, as in `1h30m`.',
  pattern: '^([0-9]+(ms|s|m|h|d))+$',
};

export const instant: Schema = { type: 'string', format: 'date-time', description: 'An instant, RFC 3339 in UTC.' };

export const scalar: Schema = {
  description: 'A string, number, boolean or null.',
  type: ['string', 'number', 'boolean', 'null'],
};
