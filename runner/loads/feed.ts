import type { Body } from './body.ts';
import { resume } from './body.ts';
import { checkHeader, readHeader } from './csv-header.ts';
import { writeFifo } from './fifo.ts';
import type { Feed } from './load.ts';

type FeedOptions = {
  readonly open: (signal: AbortSignal) => Promise<Body>;
  /** Where the pipe is. */
  readonly path: string;
  /** The columns that the header must have. */
  readonly names: readonly string[];
  readonly delimiter: string;
  readonly signal: AbortSignal;
  /** Ends the statement that reads the pipe. */
  readonly interrupt: () => void;
};

/** Feeds the bytes of a body through a pipe to the statement that reads it. */
export function createFeed({ open, path, names, delimiter, signal, interrupt }: FeedOptions): Feed {
  return {
    async start() {
      const stopping = new AbortController();
      let failure: unknown = null;
      const onFailure = (error: unknown) => {
        if (stopping.signal.aborted) return;
        failure = error;
        // Else the statement would take what has come for all there is.
        interrupt();
      };
      const body = await open(AbortSignal.any([signal, stopping.signal]));
      const taken = await takeHeader(body, names, delimiter);
      const writing = writeFifo(path, resume({ done: false, value: taken }, body.bytes), onFailure);
      return {
        async stop() {
          stopping.abort();
          writing.giveUp();
          await writing.done;
          await body.close();
          return failure;
        },
      };
    },
  };
}

/** Checks the header; returns all bytes that had to be read for it. */
async function takeHeader(body: Body, expected: readonly string[], delimiter: string): Promise<Buffer> {
  try {
    const { names, taken } = await readHeader(body.bytes, delimiter);
    checkHeader(names, expected);
    return taken;
  } catch (error) {
    await body.close();
    throw error;
  }
}
