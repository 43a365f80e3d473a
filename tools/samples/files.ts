import { createReadStream, createWriteStream } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, gzipSync } from 'node:zlib';
import { createRandom } from './random.ts';
import { tripText } from './trips.ts';

/** A file to be served: `read` yields the bytes from `start` up to and including `end`. */
export type SampleFile = { bytes: number; etag: string; read(start: number, end: number): Readable };

/** Finds a file by its name; null when there is none. */
export type SampleFiles = (name: string) => Promise<SampleFile | null>;

const fileName = /^yellow_tripdata_(\d{4}-(?:0[1-9]|1[0-2]))\.csv\.gz$/;
const seed = 'pipewright';

/** The months 2019-01 … 2020-12, made when first asked for: some 1,000 rows each, the same on every machine. */
export function createMadeFiles(): SampleFiles {
  const made = new Map<string, Buffer>();
  return async (name) => {
    const month = fileName.exec(name)?.[1];
    if (!month || month < '2019-01' || month > '2020-12') return null;
    const bytes = made.get(month) ?? gzipSync([...tripText({ seed, month, rows: sampleRows(month) })].join(''));
    made.set(month, bytes);
    return {
      bytes: bytes.length,
      etag: `"${month}-${bytes.length}"`,
      read: (start, end) => Readable.from([bytes.subarray(start, end + 1)]),
    };
  };
}

/** No two months alike, so that a mix-up of months shows in the counts. */
export function sampleRows(month: string): number {
  return createRandom(`${seed}/rows/${month}`).integer(950, 1050);
}

/** Files of that name in a folder. */
export function createFolderFiles(folder: string): SampleFiles {
  return async (name) => {
    if (!fileName.test(name)) return null;
    const path = join(folder, name);
    const found = await stat(path).catch(() => null);
    if (!found?.isFile()) return null;
    const etag = `"${found.size.toString(16)}-${Math.floor(found.mtimeMs).toString(16)}"`;
    return { bytes: found.size, etag, read: (start, end) => createReadStream(path, { start, end }) };
  };
}

/** Writes one month of any size to `path`, all or nothing. */
export async function writeTripFile(
  path: string,
  options: { seed: string; month: string; rows: number },
): Promise<void> {
  const unfinished = `${path}.${process.pid}.tmp`;
  await pipeline(Readable.from(tripText(options)), createGzip(), createWriteStream(unfinished));
  await rename(unfinished, path);
}
