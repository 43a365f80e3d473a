import { TaskFailure } from '../errors.ts';
import { type Backoff, PassingFailure, wait, waitBefore } from './backoff.ts';
import { acceptAnswer, type BodyState, changed, createBodyState, rangeHeaders } from './body-state.ts';
import { type HttpClient, type HttpRequest, httpFailure } from './http-client.ts';

export type DownloadOptions = {
  readonly client: HttpClient;
  readonly request: HttpRequest;
  readonly maxBytes: number;
  readonly backoff: Backoff;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /**
   * Whether what was received can be all, asked at the end of a body whose length the server did not tell: such a body ends
   * with its connection, and nobody knows whether that was meant.
   */
  readonly isWhole: () => boolean;
  /** Told after each chunk. */
  readonly onBytes: () => void;
};

/** The bytes of one body, and what is known of it so far. */
export type Download = { readonly state: Readonly<BodyState>; readonly bytes: AsyncGenerator<Buffer, void> };

/**
 * Reads a body to its end. 429, 5xx and broken connections are tried again with backoff and go on where the body broke off:
 * by Range, else by reading its beginning once more. A try that brought bytes begins the count of failures anew. Throws
 * `LoadFailed` or `InputTooLarge`.
 */
export function startDownload(options: DownloadOptions): Download {
  const state = createBodyState();
  return { state, bytes: readAll(options, state) };
}

async function* readAll(options: DownloadOptions, state: BodyState): AsyncGenerator<Buffer, void> {
  const { signal, backoff, log } = options;
  let failures = 0;
  let endedAt: number | null = null;
  for (;;) {
    const before = state.received;
    try {
      yield* readOnce(options, state);
      if (state.total !== null || state.received === endedAt || options.isWhole()) return;
      endedAt = state.received;
      throw new PassingFailure(`the connection ended after ${state.received} bytes, in the middle of the file`);
    } catch (error) {
      signal.throwIfAborted();
      const failure = httpFailure(error);
      if (!(failure instanceof PassingFailure)) throw failure;
      failures = state.received > before ? 1 : failures + 1;
      const ms = waitBefore(failure, failures, backoff);
      if (ms === null) throw givenUp(failure, failures, state);
      log(
        `${failure.message}; trying again in ${ms / 1000} s${state.received > 0 ? ` from byte ${state.received}` : ''}`,
      );
      await wait(ms, signal);
    }
  }
}

function givenUp(failure: PassingFailure, tries: number, { received }: BodyState): TaskFailure {
  const so = failure.afterMs === null ? `${tries} tries failed` : 'the server asks for a later try';
  const wayOut = 'try again when the server is well';
  return new TaskFailure(
    'LoadFailed',
    `${failure.message} (${so}, ${received} bytes received); ${wayOut}`,
    {},
    failure,
  );
}

async function* readOnce(options: DownloadOptions, state: BodyState): AsyncGenerator<Buffer, void> {
  const { client, request, signal, maxBytes } = options;
  const headers = { ...request.headers, 'accept-encoding': 'identity', ...rangeHeaders(state) };
  const answer = await client.get({ ...request, headers }, signal);
  try {
    const known = acceptAnswer(answer, state, new Date());
    if (known === null) return;
    if (state.total !== null && state.total > maxBytes) throw tooLarge(state.total, maxBytes);
    for await (const chunk of withoutKnown(answer.body, known, state)) {
      state.received += chunk.length;
      if (state.received > maxBytes) throw tooLarge(state.received, maxBytes);
      if (state.validator === null) state.hash.update(chunk);
      options.onBytes();
      yield chunk;
    }
    if (state.total !== null && state.received < state.total)
      throw new PassingFailure(`the body ended after ${state.received} of ${state.total} bytes`);
  } finally {
    // A body that is not read to its end may tell that as an error.
    answer.body.on('error', () => {}).destroy();
  }
}

/** Leaves out the first `known` bytes. Where nothing else proves that they are the same, their hash has to. */
async function* withoutKnown(
  body: AsyncIterable<Buffer>,
  known: number,
  state: BodyState,
): AsyncGenerator<Buffer, void> {
  const again = createBodyState().hash;
  const before = state.hash.copy().digest('hex');
  let left = known;
  for await (const chunk of body) {
    const skipped = Math.min(left, chunk.length);
    if (skipped > 0) {
      if (state.validator === null) again.update(chunk.subarray(0, skipped));
      left -= skipped;
      if (left === 0 && state.validator === null && again.digest('hex') !== before) throw changed();
    }
    if (skipped < chunk.length) yield chunk.subarray(skipped);
  }
  if (left > 0)
    throw new PassingFailure(`the body ended after ${known - left} bytes, before ${known} that had come before`);
}

function tooLarge(bytes: number, maxBytes: number): TaskFailure {
  return new TaskFailure(
    'InputTooLarge',
    `the body has ${bytes} bytes or more, and maxBytes allows ${maxBytes}; raise maxBytes`,
  );
}
