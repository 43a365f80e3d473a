/**
 * A value as JSON that Postgres takes for jsonb, which has no NUL and no half of a surrogate pair: both stand in data that people
 * load, and one such cell in a report would keep every attempt of its batch from being settled.
 */
export function toJsonb(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'string' ? storable(part) : part));
}

function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd');
}
