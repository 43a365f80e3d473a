export const limit = { type: 'integer', minimum: 1, maximum: 1000, default: 100 };
export const text = { type: 'string', minLength: 1, maxLength: 200 };

/** The schema of a query string with these parameters and no others. */
export function query(properties: Record<string, unknown>, required: readonly string[] = []) {
  return { querystring: { type: 'object', additionalProperties: false, properties, required } };
}
