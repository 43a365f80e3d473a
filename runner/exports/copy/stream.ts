import { once } from 'node:events';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { copyHeader, copyTrailer } from './rows.ts';

/** An open binary COPY. Whoever leaves it unfinished must cut the session off. */
export type CopyStream = {
  /** Resolves when the server has kept up. Throws what the server said against the rows. */
  write(rows: Uint8Array): Promise<void>;
  /** Resolves with the server's count of rows when it has taken them all. */
  end(): Promise<number>;
};

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

  return {
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
