import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { Agent, request } from 'undici';
import { messageOf, TaskFailure } from '../errors.ts';
import { PassingFailure } from './backoff.ts';

/** How long to wait, in milliseconds: for a connection, for the head of an answer, for the next bytes of its body. */
export type Timeouts = { readonly connectMs: number; readonly headersMs: number; readonly bodyMs: number };

export const defaultTimeouts: Timeouts = { connectMs: 10_000, headersMs: 60_000, bodyMs: 60_000 };

export type HttpAnswer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Readable };

/**
 * What to ask for. `headers` go to every host on the way; `private` (a Connection's, which may hold secrets, and whatever names
 * a person) only to the origin of `url`.
 */
export type HttpRequest = {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly private: Readonly<Record<string, string>>;
};

export interface HttpClient {
  /** Asks, following at most five redirections. The body is to be read or destroyed. Throws PassingFailure or TaskFailure. */
  get(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer>;
  close(): Promise<void>;
}

const redirections: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const mostRedirections = 5;

export function createHttpClient(timeouts: Timeouts): HttpClient {
  const agent = new Agent({
    connect: { timeout: timeouts.connectMs },
    headersTimeout: timeouts.headersMs,
    bodyTimeout: timeouts.bodyMs,
  });

  async function getOnce(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<HttpAnswer> {
    try {
      const { statusCode, headers: found, body } = await request(url, { dispatcher: agent, headers, signal });
      return { status: statusCode, headers: found, body };
    } catch (error) {
      signal.throwIfAborted();
      throw httpFailure(error);
    }
  }

  return {
    async get({ url, headers, private: own }, signal) {
      let place = url;
      for (let count = 0; count <= mostRedirections; count++) {
        const answer = await getOnce(place, place.origin === url.origin ? { ...headers, ...own } : headers, signal);
        const location = redirections.has(answer.status) ? one(answer.headers.location) : undefined;
        if (location === undefined) return answer;
        answer.body.on('error', () => {}).destroy();
        place = redirected(location, place);
      }
      throw new TaskFailure('LoadFailed', `more than ${mostRedirections} redirections; give the address they lead to`);
    },
    close: () => agent.destroy(),
  };
}

function redirected(location: string, from: URL): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : null;
  if (to && /^https?:$/.test(to.protocol)) return to;
  throw new TaskFailure('LoadFailed', 'redirected to something that is no http or https address; correct the url');
}

/** The first value of a header. */
export function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

/** Codes of Node and undici for connections that broke or never were; another try may find better luck. */
const passing: ReadonlySet<string> = new Set([
  ...['ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN'],
  ...['UND_ERR_SOCKET', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'],
  ...['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'UND_ERR_ABORTED'],
]);

/** What an error of a request or of its body means. */
export function httpFailure(error: unknown): Error {
  if (error instanceof TaskFailure || error instanceof PassingFailure) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const message = messageOf(error) || code;
  if (passing.has(code)) return new PassingFailure(message);
  if (code === 'ENOTFOUND') return new TaskFailure('LoadFailed', `the host has no address; correct the url (${message})`);
  return new TaskFailure('LoadFailed', message, {}, error);
}
