import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { Resource } from './client.ts';
import { KubernetesError } from './errors.ts';
import type { TokenBucket } from './limit.ts';
import type { Request } from './request.ts';

export type Call = {
  /** How it is counted. */
  readonly verb: string;
  readonly resource: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly metadataOnly?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
};

export interface Transport {
  send(call: Call): Promise<Resource>;
  /** Null for 404. */
  find(call: Call): Promise<Resource | null>;
  /** The body of a successful answer, as it comes. To be read or destroyed; it ends with an error when `signal` aborts. */
  open(call: Call): Promise<IncomingMessage>;
  /** Calls of `send` and `find` that have no answer yet. */
  pending(): number;
}

const callMs = 30_000;
const attempts = 4;
const longestWaitMs = 10_000;
const resets: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE', 'ECONNREFUSED', 'ETIMEDOUT']);

/** Calls with a time limit each, counted, and tried again where that is harmless. */
export function createTransport(options: {
  request: Request;
  bucket: TokenBucket;
  count: (verb: string, resource: string) => void;
}): Transport {
  const { request, bucket, count } = options;
  let pending = 0;

  async function once<T>(
    call: Call,
    limitMs: number | null,
    read: (answer: IncomingMessage) => Promise<T>,
  ): Promise<T> {
    await bucket.take(call.signal);
    count(call.verb, call.resource);
    const signals = [...(call.signal ? [call.signal] : []), ...(limitMs ? [AbortSignal.timeout(limitMs)] : [])];
    const answer = await request(call, AbortSignal.any(signals), limitMs === null ? 'open' : 'short');
    if (answer.statusCode && answer.statusCode < 300) return read(answer);
    throw refusal(call, answer, await text(answer));
  }

  async function send(call: Call): Promise<Resource> {
    pending += 1;
    try {
      return await repeat(call, () => once(call, callMs, async (answer) => JSON.parse(await text(answer)) as Resource));
    } finally {
      pending -= 1;
    }
  }

  return {
    send,
    async find(call) {
      try {
        return await send(call);
      } catch (error) {
        if (error instanceof KubernetesError && error.status === 404) return null;
        throw error;
      }
    },
    open: (call) => repeat(call, () => once(call, null, async (answer) => answer)),
    pending: () => pending,
  };
}

async function repeat<T>(call: Call, attempt: () => Promise<T>): Promise<T> {
  for (let count = 1; ; count++) {
    try {
      return await attempt();
    } catch (error) {
      call.signal?.throwIfAborted();
      const waitMs = count < attempts ? waitBefore(call, error, count) : null;
      if (waitMs === null) throw explain(call, error);
      await delay(waitMs, undefined, { ...(call.signal ? { signal: call.signal } : {}) });
    }
  }
}

/** Ms after which the call may be made again; null where it may not. What the server put off did not happen, whatever the verb. */
function waitBefore(call: Call, error: unknown, count: number): number | null {
  const growing = Math.min(100 * 4 ** (count - 1), longestWaitMs);
  if (error instanceof KubernetesError) {
    if (error.status === 429) return Math.min(error.retryAfterMs ?? growing, longestWaitMs);
    return call.method === 'GET' && error.status >= 500 ? growing : null;
  }
  return call.method === 'GET' && resets.has((error as NodeJS.ErrnoException).code) ? growing : null;
}

function explain(call: Call, error: unknown): unknown {
  if (error instanceof KubernetesError) return error;
  const { name, message } = error as Error;
  const fact = name === 'TimeoutError' || name === 'AbortError' ? `no answer within ${callMs / 1_000} s` : message;
  return new Error(`${call.method} ${call.path}: the API server could not be asked (${fact}); it will be asked again`, {
    cause: error,
  });
}

function refusal(call: Call, answer: IncomingMessage, body: string): KubernetesError {
  const status = answer.statusCode ?? 0;
  const said = parseStatus(body);
  const retryAfter = Number(answer.headers['retry-after']);
  return new KubernetesError(`${call.method} ${call.path}: ${said.message ?? `the API server answered ${status}`}`, {
    status,
    reason: said.reason ?? '',
    retryAfterMs: Number.isFinite(retryAfter) ? retryAfter * 1_000 : null,
  });
}

function parseStatus(body: string): { message?: string | undefined; reason?: string } {
  try {
    return JSON.parse(body) as { message?: string; reason?: string };
  } catch {
    // A proxy's answer, or the API server's while it starts.
    return { message: body.trim().slice(0, 300) || undefined };
  }
}
