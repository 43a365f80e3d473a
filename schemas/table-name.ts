/** Names of a table as they are, without quotes; `schema` is null where none is given. */
export type TableName = { readonly schema: string | null; readonly name: string };

/** Postgres cuts longer names silently. Bytes of UTF-8. */
export const longestName = 63;

const part = /^(?:"((?:[^"]|"")+)"|((?!")[^.]+))(?:\.|$)/;

/**
 * Reads `schema.table` or `table`; null when it is neither. Names are kept exactly, without case folding. A name with a dot in it is
 * quoted as in SQL: `"a.b".c`.
 */
export function parseTableName(text: string): TableName | null {
  const names: string[] = [];
  for (let rest = text; rest !== ''; ) {
    const match = part.exec(rest);
    const name = match?.[1]?.replaceAll('""', '"') ?? match?.[2] ?? '';
    if (!match || name.trim() === '' || name.includes('\0') || Buffer.byteLength(name) > longestName) return null;
    names.push(name);
    rest = rest.slice(match[0].length);
  }
  const [first, second, ...more] = names;
  if (first === undefined || more.length > 0 || text.endsWith('.')) return null;
  return second === undefined ? { schema: null, name: first } : { schema: first, name: second };
}
