import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, open as openFile, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { promisify } from 'node:util';

const run = promisify(execFile);
const open = promisify(openFile);

/** Creates a named pipe, which the engine reads as a file. Without one, bytes would have to be kept somewhere before they are parsed. */
export async function createFifo(path: string): Promise<void> {
  // Node has no call for it; the command is part of every POSIX system.
  await run('mkfifo', ['-m', '600', path]);
}

/** Chunks on their way into a pipe. */
export type FifoWriting = {
  /** Resolves when they are written, or the reader has left, or after `giveUp`. Never rejects. */
  readonly done: Promise<void>;
  /** Ends it, also where it waits for a reader that will never come, or that does not read any more. */
  giveUp(): void;
};

/**
 * Writes chunks into a pipe until they end or the reader leaves, then lets the reader see the end. When `chunks` fails, calls
 * `onFailure` before the reader sees any end.
 */
export function writeFifo(
  path: string,
  chunks: AsyncIterable<Buffer>,
  onFailure: (error: unknown) => void,
): FifoWriting {
  const left = new AbortController();
  let isWaiting = true;
  let standIn: number | null = null;

  async function write(): Promise<void> {
    // Blocks a thread of the pool until the engine opens the other end: so no byte is written, and no end seen, before.
    const descriptor = await open(path, 'w');
    isWaiting = false;
    if (standIn !== null) closeSync(standIn);
    const socket = new Socket({ fd: descriptor, readable: false, writable: true });
    // The reader may leave at any time (a LIMIT): that is its right, and no failure.
    socket.on('error', () => left.abort());
    try {
      await writeAll(socket, chunks, left.signal);
    } catch (error) {
      onFailure(error);
    } finally {
      socket.destroy();
    }
  }

  return {
    done: write(),
    giveUp() {
      left.abort();
      // A reader in the engine's place, which is what the open above waits for, until that one has come back.
      if (isWaiting) standIn ??= openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    },
  };
}

async function writeAll(socket: Socket, chunks: AsyncIterable<Buffer>, left: AbortSignal): Promise<void> {
  for await (const chunk of chunks) {
    if (left.aborted) return;
    if (!socket.write(chunk)) await once(socket, 'drain', { signal: left }).catch(() => {});
  }
  if (left.aborted) return;
  socket.end();
  await once(socket, 'close', { signal: left }).catch(() => {});
}
