import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { statement } from '../engine/statement.ts';
import { type Body, type BodyOptions, openBody } from './body.ts';
import { type CsvFormat, csvFailure, csvQuery } from './csv.ts';
import { createFeed } from './feed.ts';
import { createFifo } from './fifo.ts';
import type { LoadContext, LoadSource } from './load.ts';

type HttpLoadOptions = {
  readonly context: LoadContext;
  readonly body: Pick<BodyOptions, 'request' | 'compression' | 'maxBytes' | 'policy'>;
  readonly csv: CsvFormat;
};

/**
 * CSV by HTTP. With declared columns the rows are read while they arrive, by way of a pipe; without, the file is first
 * written to the scratch folder, because its types are guessed from its beginning.
 */
export async function openHttpLoad({ context, body, csv }: HttpLoadOptions): Promise<LoadSource> {
  const { engine, signal, log, progress } = context;
  const path = join(context.scratch, `${context.block}.csv`);
  const query = csvQuery(path, csv);
  const counts: LoadSource['counts'] = { rows: null, bytes: 0 };
  const explain = (error: unknown) => csvFailure(error, shownUrl(body.request.url));
  const onBytes = (received: number, totalBytes: number | null) => {
    counts.bytes = received;
    progress({ bytes: received, totalBytes });
  };
  const open = (until: AbortSignal) => openBody({ ...body, signal: until, log, onBytes });

  if (csv.columns) await createFifo(path);
  else await saveBody(open, path, signal);
  const columns = await engine.columnsOf(statement(query)).catch((error) => {
    throw explain(error) ?? error;
  });
  if (!csv.columns) return { columns, query, counts, csv: { explain } };
  const names = Object.keys(csv.columns);
  const delimiter = csv.delimiter ?? ',';
  const feed = createFeed({ open, path, names, delimiter, signal, interrupt: engine.interrupt });
  return { columns, query, counts, csv: { explain, feed } };
}

/** A URL as it may stand in logs and messages: a query or a password may be secret. */
function shownUrl(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

async function saveBody(open: (until: AbortSignal) => Promise<Body>, path: string, signal: AbortSignal): Promise<void> {
  const body = await open(signal);
  try {
    await pipeline(Readable.from(body.bytes, { objectMode: false }), createWriteStream(path), { signal });
  } finally {
    await body.close();
  }
}
