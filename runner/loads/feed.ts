import type { Body } from './body.ts';
import { resume } from './body.ts';
import { checkHeader, readHeader } from './csv-header.ts';
import { createFifo, type Fifo } from './fifo.ts';
import type { Feed } from './load.ts';

type FeedOptions = {
  readonly open: (signal: AbortSignal) => Promise<Body>;
  /** Where the pipe is to be. */
  readonly path: string;
  /** The columns that the header must have. */
  readonly names: readonly string[];
  readonly delimiter: string;
  readonly signal: AbortSignal;
  /** Ends the statement that reads the pipe. */
  readonly interrupt: () => void;
};

/** Feeds the bytes of a body through a pipe to the statement that reads it. */
export function createFeed(options: FeedOptions): Feed {
  const stopping = new AbortController();
  const signal = AbortSignal.any([options.signal, stopping.signal]);
  let running: { body: Body; fifo: Fifo; written: Promise<void> } | null = null;
  let failure: unknown = null;

  const onFailure = (error: unknown) => {
    if (stopping.signal.aborted) return;
    failure = error;
    // Else the statement would take what has come for all there is.
    options.interrupt();
  };

  return {
    async start() {
      const body = await options.open(signal);
      try {
        const { names, taken } = await readHeader(body.bytes, options.delimiter);
        checkHeader(names, options.names);
        const fifo = await createFifo(options.path);
        const written = fifo.write(resume({ done: false, value: taken }, body.bytes), onFailure);
        running = { body, fifo, written };
      } catch (error) {
        await body.close();
        throw error;
      }
    },
    async stop() {
      stopping.abort();
      if (running) {
        const { body, fifo, written } = running;
        running = null;
        fifo.giveUp();
        await written;
        await body.close();
        await fifo.remove();
      }
      return failure;
    },
  };
}
