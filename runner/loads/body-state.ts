import { createHash, type Hash } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import { TaskFailure } from '../errors.ts';
import { PassingFailure, retryAfterMs } from './backoff.ts';
import { type HttpAnswer, one } from './http-client.ts';

/** What is known of a body that is read in one or more pieces. Bytes are counted as transferred. */
export type BodyState = {
  received: number;
  /** Its length, where the server told it. */
  total: number | null;
  /** `Content-Encoding` of the first answer. */
  encoding: string | null;
  /** A strong ETag, else a date: both prove that a later answer continues the same body. */
  validator: string | null;
  takesRanges: boolean;
  /** Of all received bytes, kept where there is no validator. */
  hash: Hash;
};

export function createBodyState(): BodyState {
  return { received: 0, total: null, encoding: null, validator: null, takesRanges: false, hash: createHash('sha1') };
}

/** Headers that ask for the rest of the body, and for all of it when it has changed meanwhile. */
export function rangeHeaders(state: BodyState): Record<string, string> {
  if (state.received === 0 || state.validator === null || !state.takesRanges) return {};
  return { range: `bytes=${state.received}-`, 'if-range': state.validator };
}

/**
 * Takes note of an answer's head. Returns how many bytes at the front of its body are known already; null when nothing of
 * the body is missing. Throws PassingFailure or TaskFailure.
 */
export function acceptAnswer(answer: HttpAnswer, state: BodyState, now: Date): number | null {
  const { status, headers } = answer;
  const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(headers['content-range'] ?? '');
  if (status === 416 && state.received > 0 && Number(range?.[2]) === state.received) return null;
  if (status < 200 || status > 299) throw refusal(answer, now);
  const validator = validatorOf(answer);
  if (status === 206) {
    // A server that answers 206 to `If-Range` has compared, and need not repeat the validator.
    if (Number(range?.[1]) !== state.received || (validator ?? state.validator) !== state.validator) throw changed();
    return 0;
  }
  if (state.received > 0 && validator !== state.validator) throw changed();
  const length = headers['content-length'];
  const total = length === undefined ? null : Number(length);
  if (state.received > 0 && total !== state.total) throw changed();
  Object.assign(state, {
    total,
    validator,
    encoding: one(headers['content-encoding'])?.toLowerCase() ?? null,
    takesRanges: one(headers['accept-ranges'])?.toLowerCase() !== 'none',
  });
  return state.received;
}

function validatorOf({ headers }: HttpAnswer): string | null {
  const etag = one(headers.etag);
  return (etag?.startsWith('"') ? etag : headers['last-modified']) ?? null;
}

export function changed(): TaskFailure {
  return new TaskFailure('LoadFailed', 'the file changed while it was read, so nothing of it was taken; try again');
}

const passingStatus: ReadonlySet<number> = new Set([408, 425, 429]);

function refusal({ status, headers }: HttpAnswer, now: Date): Error {
  const fact = `the server answered ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
  if (passingStatus.has(status) || status >= 500)
    return new PassingFailure(fact, retryAfterMs(one(headers['retry-after']), now));
  const wayOut =
    status === 401 || status === 403
      ? 'give the connection a header that lets it in'
      : 'correct the url, or wait until the file is there';
  return new TaskFailure('LoadFailed', `${fact}; ${wayOut}`);
}
