import { createGunzip } from 'node:zlib';
import { messageOf, TaskFailure } from '../errors.ts';

/** Larger than Node's default, so that fewer hand-overs between threads are needed. */
const chunkBytes = 128 * 1024;

/** Decompression that can tell whether what it was given so far is whole. */
export type Decompression = {
  readonly bytes: AsyncGenerator<Buffer, void>;
  /** Whether all that was given ends like a gzip file: with the length of what came out. Not sure for files of several members. */
  isWhole(): boolean;
};

/**
 * Decompresses gzip. Each chunk is asked for when the one before is through, so that `isWhole` may be asked from within `source`.
 * Throws what `source` throws, and `InvalidInput` for bytes that are no gzip or end too early.
 */
export function gunzip(source: AsyncIterable<Buffer>): Decompression {
  const gunzip = createGunzip({ chunkSize: chunkBytes });
  let tail: Buffer = Buffer.alloc(0);
  let taken = 0;
  // A write that nobody reads any more, because the stream was destroyed, would never come back.
  let release = (): void => {};
  gunzip.once('close', () => release());

  function write(chunk: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      release = resolve;
      gunzip.write(chunk, (error) => (error ? reject(error) : resolve()));
    });
  }

  async function push(): Promise<void> {
    for await (const chunk of source) {
      await write(chunk);
      tail = Buffer.concat([tail, chunk.subarray(-4)]).subarray(-4);
    }
    gunzip.end();
  }

  async function* pull(): AsyncGenerator<Buffer, void> {
    // A failure of the source ends the stream, and so the reading of it, with that failure.
    const pushed = push().catch((error) => void gunzip.destroy(error));
    try {
      for await (const chunk of gunzip as AsyncIterable<Buffer>) {
        taken += chunk.length;
        yield chunk;
      }
    } catch (error) {
      throw gzipFailure(error);
    } finally {
      gunzip.destroy();
      await pushed;
    }
  }

  return {
    bytes: pull(),
    isWhole: () => tail.length === 4 && tail.readUInt32LE() === (taken + gunzip.readableLength) % 2 ** 32,
  };
}

function gzipFailure(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'Z_BUF_ERROR')
    return new TaskFailure(
      'InvalidInput',
      'the gzip file is truncated: it ends in the middle; write it anew',
      {},
      error,
    );
  if (!code.startsWith('Z_')) return error;
  const wayOut = 'mend the file, or set compression: none when it is not compressed';
  return new TaskFailure('InvalidInput', `the body is not valid gzip (${messageOf(error)}); ${wayOut}`, {}, error);
}
