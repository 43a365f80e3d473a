import * as http from 'node:http';
import * as https from 'node:https';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { messageOf, TaskFailure } from '../errors.ts';
import { PassingFailure } from './backoff.ts';

/** How long to wait, in milliseconds: for a connection, for the head of an answer, for the next bytes of its body. */
export type Timeouts = { readonly connectMs: number; readonly headersMs: number; readonly bodyMs: number };

export const defaultTimeouts: Timeouts = { connectMs: 10_000, headersMs: 60_000, bodyMs: 60_000 };

export type HttpAnswer = {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Readable;
};

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

/**
 * On Node's own client. undici, and with it the built-in fetch, ends the process by an assertion when the server closes the
 * connection while the reader is slow: what every HTTP/1.0 server does.
 */
export function createHttpClient(timeouts: Timeouts): HttpClient {
  const agents = { plain: new http.Agent(), secure: new https.Agent() };

  async function getOnce(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<HttpAnswer> {
    try {
      const secure = url.protocol === 'https:';
      const options = { headers, signal, agent: secure ? agents.secure : agents.plain };
      const body = await answerTo((secure ? https : http).get(url, options), secure, timeouts);
      return { status: body.statusCode ?? 0, headers: body.headers, body };
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
    async close() {
      agents.plain.destroy();
      agents.secure.destroy();
    },
  };
}

/** Waits for the head of the answer; the body then ends with a failure when nothing of it comes for too long. */
function answerTo(request: http.ClientRequest, secure: boolean, timeouts: Timeouts): Promise<http.IncomingMessage> {
  const late = (ms: number, what: string) =>
    setTimeout(() => request.destroy(new PassingFailure(`${what} within ${ms / 1000} s`)), ms);
  return new Promise((resolve, reject) => {
    let timer = late(timeouts.connectMs, 'no connection');
    request.on('close', () => clearTimeout(timer));
    request.on('error', reject);
    request.once('socket', (socket) => {
      socket.once(secure ? 'secureConnect' : 'connect', () => {
        clearTimeout(timer);
        timer = late(timeouts.headersMs, 'no answer');
      });
    });
    request.once('response', (response) => {
      clearTimeout(timer);
      // Until somebody reads it, a failure of it has no listener, which would end the process.
      response.on('error', () => {});
      watchSilence(response, response.socket, timeouts.bodyMs);
      resolve(response);
    });
  });
}

/** A reader that has bytes left to take is slow itself, as while its target is locked; the silence is not the server's. */
function watchSilence(response: http.IncomingMessage, socket: Socket, ms: number): void {
  const onTimeout = () => {
    if (response.readableLength > 0) socket.setTimeout(ms);
    else response.destroy(new PassingFailure(`nothing came for ${ms / 1000} s`));
  };
  socket.setTimeout(ms);
  socket.on('timeout', onTimeout);
  response.once('close', () => socket.setTimeout(0).off('timeout', onTimeout));
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

/** Codes for connections that broke or never were; another try may find better luck. */
const passing: ReadonlySet<string> = new Set([
  ...['ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN'],
  ...['ERR_STREAM_PREMATURE_CLOSE', 'HPE_INVALID_EOF_STATE'],
]);

/** What an error of a request or of its body means. */
export function httpFailure(error: unknown): Error {
  if (error instanceof TaskFailure || error instanceof PassingFailure) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const message = messageOf(error) || code;
  if (passing.has(code)) return new PassingFailure(message);
  if (code === 'ENOTFOUND')
    return new TaskFailure('LoadFailed', `the host has no address; correct the url (${message})`);
  return new TaskFailure('LoadFailed', message, {}, error);
}
