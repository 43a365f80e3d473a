import { TaskFailure } from '../errors.ts';

const lineFeed = 10;
const carriageReturn = 13;
const quote = 34;
const longestHeader = 1024 * 1024;

/**
 * Reads the first record of CSV from the front of `chunks`. Returns its fields and all bytes that were taken, header included;
 * the rest stays in the iterator.
 */
export async function readHeader(
  chunks: AsyncIterator<Buffer>,
  delimiter: string,
): Promise<{ names: string[]; taken: Buffer }> {
  let taken: Buffer = Buffer.alloc(0);
  for (;;) {
    const end = recordEnd(taken);
    if (end >= 0) return { names: splitRecord(taken.toString('utf8', 0, end), delimiter), taken };
    if (taken.length > longestHeader)
      throw new TaskFailure('InvalidInput', `the first line is longer than ${longestHeader} bytes; is it a CSV file?`);
    const next = await chunks.next();
    if (next.done) return { names: taken.length ? splitRecord(taken.toString('utf8'), delimiter) : [], taken };
    taken = taken.length ? Buffer.concat([taken, next.value]) : next.value;
  }
}

/** The offset behind the first record’s last byte, or -1. A line break inside quotes does not end it. */
function recordEnd(bytes: Buffer): number {
  let quoted = false;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index];
    if (byte === quote) quoted = !quoted;
    if (!quoted && (byte === lineFeed || byte === carriageReturn)) return index;
  }
  return -1;
}

function splitRecord(record: string, delimiter: string): string[] {
  const fields: string[] = [];
  let field = '';
  let quoted = false;
  for (const character of record.replace(/^\uFEFF/, '')) {
    if (character === '"') quoted = !quoted;
    if (character === delimiter && !quoted) {
      fields.push(field);
      field = '';
    } else field += character;
  }
  return [...fields, field].map(unquote);
}

function unquote(field: string): string {
  return /^".*"$/s.test(field) ? field.slice(1, -1).replaceAll('""', '"') : field;
}

/** Throws `InvalidInput` naming the first difference between the header and the declared columns. */
export function checkHeader(found: readonly string[], expected: readonly string[]): void {
  if (found.length === 0)
    throw new TaskFailure('InvalidInput', `the file is empty; it should begin with the header ${expected.join(',')}`);
  const differs = expected.findIndex((name, index) => name !== found[index]);
  if (differs < 0 && found.length === expected.length) return;
  const place = differs < 0 ? expected.length : differs;
  const should = place < expected.length ? `"${expected[place]}"` : 'no further column';
  const is = place < found.length ? `"${found[place]}"` : 'missing';
  throw new TaskFailure(
    'InvalidInput',
    `the header does not match the declared columns: column ${place + 1} should be ${should} and is ${is}; ` +
      `expected ${expected.join(',')}, found ${found.join(',')}`,
  );
}
