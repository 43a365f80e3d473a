import { runGit } from './run.ts';

/** Contents of files, by the name of the blob. What the repository does not have, or has damaged, is in no answer. */

/** Sizes in bytes. One process for all: one for each of thousands would take minutes. */
export async function readSizes(dir: string, names: readonly string[]): Promise<Map<string, number>> {
  const output = await catFile(dir, '--batch-check', names);
  const lines = output.toString('latin1').split('\n');
  return new Map(
    lines.flatMap((line): [string, number][] => {
      // `<name> blob <size>`, or `<name> missing`.
      const [name = '', type, size] = line.split(' ');
      return type === 'blob' ? [[name, Number(size)]] : [];
    }),
  );
}

export async function readBlobs(dir: string, names: readonly string[]): Promise<Map<string, Buffer>> {
  return parseContents(await catFile(dir, '--batch', names));
}

/** Null for what is not UTF-8. */
export function decode(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

async function catFile(dir: string, how: '--batch' | '--batch-check', names: readonly string[]): Promise<Buffer> {
  if (names.length === 0) return Buffer.alloc(0);
  // It ends at the first one that is damaged, with an error that says less than which ones are there.
  const { output } = await runGit(dir, ['cat-file', how], { input: `${names.join('\n')}\n` });
  return output;
}

/** For each a line as of sizes, and after it its content and a line feed. */
function parseContents(output: Buffer): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (let at = 0; at < output.length; ) {
    const end = output.indexOf(10, at);
    const [name = '', type, size] = output.toString('latin1', at, end).split(' ');
    at = end + 1;
    if (type !== 'blob') continue;
    // What comes after a content that ends early is none.
    if (at + Number(size) >= output.length) break;
    found.set(name, output.subarray(at, at + Number(size)));
    at += Number(size) + 1;
  }
  return found;
}
