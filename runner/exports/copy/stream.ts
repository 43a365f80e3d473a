import { once } from 'node:events';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { socketOf } from '../../connections/postgres.ts';
import { copyHeader, copyTrailer } from './rows.ts';

/** An open binary COPY. Whoever leaves it unfinished must cut the session off. */
export type CopyStream = {
  /** Memory for the next rows: the same again once it has been sent, or else the collector has more to do than the encoder. */
  allocate(bytes: number): Buffer;
  /** Resolves when the server has kept up. Throws what the server said against the rows. */
  write(rows: Uint8Array): Promise<void>;
  /** Resolves with the server's count of rows when it has taken them all. */
  end(): Promise<number>;
};

/** So that rows that are a little longer than those before find room. */
const headroom = 1.25;

/** Begins a COPY into a table, both quoted. */
export function openCopy(client: pg.Client, table: string, columns: readonly string[]): CopyStream {
  const stream = client.query(copyFrom(`copy ${table} (${columns.join(', ')}) from stdin (format binary)`));
  let failure: Error | null = null;
  stream.on('error', (error: Error) => {
    failure = error;
  });
  let ready: Promise<unknown> | null = stream.write(copyHeader) ? null : once(stream, 'drain');

  async function settled(): Promise<void> {
    if (ready) await ready;
    ready = null;
    if (failure) throw failure;
  }

  const socket = socketOf(client);
  let memory = Buffer.alloc(0);

  return {
    allocate(bytes) {
      const isSent = stream.writableLength === 0 && socket.writableLength === 0;
      if (!isSent || memory.length < bytes) memory = Buffer.allocUnsafeSlow(Math.ceil(bytes * headroom));
      return memory;
    },
    async write(rows) {
      await settled();
      if (!stream.write(rows)) ready = once(stream, 'drain');
      await settled();
    },
    async end() {
      await settled();
      const finished = once(stream, 'finish');
      stream.end(copyTrailer);
      await finished;
      return stream.rowCount;
    },
  };
}
