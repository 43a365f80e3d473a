import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import type { ApiError } from '../../schemas/generated/types.ts';

/** A server that falls silent for this long is taken for gone. A POST waits up to 15 s for its answer. Milliseconds. */
const silence = 30_000;

/**
 * What the API refused, with its status and code; `status` is null when nobody answered, or not a controller.
 */
export class ApiFailure extends Error {
  readonly status: number | null;
  readonly code: string;
  constructor(status: number | null, code: string, message: string) {
    super(message);
    this.name = 'ApiFailure';
    this.status = status;
    this.code = code;
  }
}

export type Call = {
  readonly server: URL;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** The answer may be silent for long. */
  readonly stream?: boolean;
};

/** Sends a request and returns its answer when that is a success; anything else is an `ApiFailure`. */
export async function send(call: Call): Promise<IncomingMessage> {
  const response = await open(call);
  if (response.statusCode !== undefined && response.statusCode < 400) return response;
  throw await failureOf(response, call.server);
}

export async function sendForJson<T>(call: Call): Promise<T> {
  const response = await send(call);
  const body = await text(response);
  try {
    return JSON.parse(body);
  } catch {
    throw noController(call.server);
  }
}

// Not `fetch`: Node 24's has ended the process while a body was streamed slowly.
function open({ server, method, path, headers, body, signal, stream }: Call): Promise<IncomingMessage> {
  const request = server.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, server), {
      method,
      signal,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
    });
    sent.once('response', resolve);
    sent.once('error', (error: NodeJS.ErrnoException) => reject(signal?.aborted ? error : unreachable(server, error)));
    if (!stream) sent.setTimeout(silence, () => sent.destroy(new Error(`it was silent for ${silence / 1000} s`)));
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function unreachable(server: URL, error: NodeJS.ErrnoException): ApiFailure {
  const detail = error.code === 'ECONNREFUSED' ? '' : ` (${error.message})`;
  const wayOut = 'start one with `pipewright start`, or name another with --server';
  return new ApiFailure(null, 'unreachable', `no controller answers at ${server.origin}${detail}; ${wayOut}`);
}

function noController(server: URL): ApiFailure {
  const message = `what answers at ${server.origin} is not a Pipewright controller; name the controller with --server`;
  return new ApiFailure(null, 'not-a-controller', message);
}

async function failureOf(response: IncomingMessage, server: URL): Promise<ApiFailure> {
  const body = await text(response);
  try {
    const { error, code } = JSON.parse(body) as Partial<ApiError>;
    if (typeof error === 'string' && typeof code === 'string')
      return new ApiFailure(response.statusCode ?? null, code, error);
  } catch {
    // Not JSON: not ours.
  }
  return noController(server);
}
