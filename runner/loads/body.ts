import { TaskFailure } from '../errors.ts';
import { type Backoff, defaultBackoff } from './backoff.ts';
import { startDownload } from './download.ts';
import { gunzip } from './gunzip.ts';
import { createHttpClient, defaultTimeouts, type HttpRequest, type Timeouts } from './http-client.ts';

export type HttpPolicy = { readonly backoff: Backoff; readonly timeouts: Timeouts };

export const defaultPolicy: HttpPolicy = { backoff: defaultBackoff, timeouts: defaultTimeouts };

export type BodyOptions = {
  readonly request: HttpRequest;
  readonly compression: 'auto' | 'none' | 'gzip';
  readonly maxBytes: number;
  readonly policy: HttpPolicy;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** Told after each chunk: bytes as transferred; `total` is null where the server did not tell it. */
  readonly onBytes: (received: number, total: number | null) => void;
};

/** A body on its way, decompressed. `close` ends it wherever it is. */
export type Body = { readonly bytes: AsyncGenerator<Buffer, void>; close(): Promise<void> };

/** Asks for a body; returns when its first bytes are there. Throws `LoadFailed`, `InputTooLarge` or `InvalidInput`. */
export async function openBody({ request, compression, policy, onBytes, ...rest }: BodyOptions): Promise<Body> {
  const client = createHttpClient(policy.timeouts);
  let isWhole = () => true;
  const { state, bytes } = startDownload({
    ...rest,
    client,
    request,
    backoff: policy.backoff,
    isWhole: () => isWhole(),
    onBytes: () => onBytes(state.received, state.total),
  });
  try {
    // The first bytes bring the answer's head, which may name the compression.
    const source = resume(await bytes.next(), bytes);
    const isGzip = isCompressed(compression, request.url, state.encoding);
    const decompression = isGzip ? gunzip(source) : null;
    if (decompression) isWhole = decompression.isWhole;
    const taken = decompression?.bytes ?? source;
    const close = async () => {
      await client.close();
      await taken.return().catch(() => {});
    };
    return { bytes: taken, close };
  } catch (error) {
    await client.close();
    throw error;
  }
}

function isCompressed(compression: BodyOptions['compression'], url: URL, encoding: string | null): boolean {
  if (encoding !== null && !['gzip', 'x-gzip', 'identity', ''].includes(encoding)) {
    const wayOut = 'only gzip is decompressed; let the server send the file as it is';
    throw new TaskFailure('InvalidInput', `the body is encoded as "${encoding}"; ${wayOut}`);
  }
  if (compression !== 'auto') return compression === 'gzip';
  return url.pathname.endsWith('.gz') || encoding === 'gzip' || encoding === 'x-gzip';
}

/** The item that was taken from the front already, then the rest. */
export async function* resume(
  first: IteratorResult<Buffer, void>,
  rest: AsyncGenerator<Buffer, void>,
): AsyncGenerator<Buffer, void> {
  try {
    if (first.done) return;
    yield first.value;
    yield* rest;
  } finally {
    await rest.return();
  }
}
