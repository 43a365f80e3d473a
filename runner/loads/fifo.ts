import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, open as openFile, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { promisify } from 'node:util';

const run = promisify(execFile);
const open = promisify(openFile);

/** A named pipe that the engine reads as a file, once. Without it, bytes would have to be kept somewhere before they are parsed. */
export interface Fifo {
  readonly path: string;
  /**
   * Writes chunks until they end or the reader leaves, then lets the reader see the end. Waits for the reader to come. When
   * `chunks` fails, calls `onFailure` before the reader sees any end.
   */
  write(chunks: AsyncIterable<Buffer>, onFailure: (error: unknown) => void): Promise<void>;
  /** Ends `write`, also where it waits for a reader that will never come, or that does not read any more. */
  giveUp(): void;
  remove(): Promise<void>;
}

export async function createFifo(path: string): Promise<Fifo> {
  // Node has no call for it; the command is part of every POSIX system.
  await run('mkfifo', ['-m', '600', path]);
  const left = new AbortController();
  let isWaiting = false;
  let standIn: number | null = null;
  return {
    path,
    async write(chunks, onFailure) {
      isWaiting = true;
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
    },
    giveUp() {
      left.abort();
      // A reader in the engine's place, which is what the open above waits for, until that one has come back.
      if (isWaiting) standIn ??= openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    },
    remove: () => rm(path, { force: true }),
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
