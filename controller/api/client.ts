import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type {
  ApiError,
  BackfillChange,
  BackfillList,
  BackfillPreview,
  BackfillRequest,
  BackfillResult,
  BackfillSummary,
  BackfillWindowList,
  CalendarSpan,
  MarkRequest,
  MarkResult,
  PipelineList,
  PipelineUsage,
  PlanFacts,
  PlanRequest,
  PoolList,
  RerunRequest,
  RerunResult,
  RunDetail,
  RunList,
  RunRequest,
  RunRequestResult,
  RunSelection,
  SourceList,
  VersionManifest,
  WindowList,
} from '../../schemas/generated/types.ts';

/** A server that falls silent for this long is taken for gone. A POST waits up to 15 s for its answer. Milliseconds. */
const silence = 30_000;

/**
 * What the API refused, with its status and code; `status` is null when nobody answered, or not a controller.
 */
class ApiFailure extends Error {
  readonly status: number | null;
  readonly code: string;
  constructor(status: number | null, code: string, message: string) {
    super(message);
    this.name = 'ApiFailure';
    this.status = status;
    this.code = code;
  }
}

export type RunsFilter = { limit?: number; before?: string; pipeline?: string; phase?: string };
/** `since` is an instant; `*` in `pipeline` is any text; `phase` may name several, with commas between them. */
export type RunSelector = { since?: string; pipeline?: string; reason?: string; phase?: string };
type PreviewQuery = { from: string; to: string; rerun?: string; order?: string; dependents?: boolean };
export type Page = { limit?: number; before?: string };

/**
 * The controller's API, typed. `server` is its URL; `actor` is kept in the audit with what is asked for. Every method
 * throws `ApiFailure` with a sentence for a person.
 */
export function createClient(options: { server: string; actor?: string }) {
  const server = parseServer(options.server);
  const get = <T>(path: string) => sendForJson<T>({ server, method: 'GET', path });
  const headers: Record<string, string> = options.actor ? { 'pipewright-actor': options.actor } : {};
  const post = <T extends object>(path: string, body: object = {}) =>
    ask<T>({ server, method: 'POST', path, body, headers });
  const runPath = (name: string, rest = '') => `/api/v1/runs/${encodeURIComponent(name)}${rest}`;
  const pipelinePath = (name: string, rest: string) => `/api/v1/pipelines/${encodeURIComponent(name)}${rest}`;
  return {
    pipelines: () => get<PipelineList>('/api/v1/pipelines'),
    sources: () => get<SourceList>('/api/v1/sources'),
    pools: () => get<PoolList>('/api/v1/pools'),
    runs: (filter: RunsFilter = {}) => get<RunList>(`/api/v1/runs${queryOf(filter)}`),
    selectRuns: (selector: RunSelector) => get<RunSelection>(`/api/v1/runs/selection${queryOf(selector)}`),
    run: (name: string) => get<RunDetail>(runPath(name)),
    runManifest: (name: string) => get<VersionManifest>(runPath(name, '/manifest')),
    pipelineManifest: (name: string) => get<VersionManifest>(pipelinePath(name, '/manifest')),
    planFacts: (request: PlanRequest) => post<PlanFacts>('/api/v1/plan', request),
    windows: (pipeline: string, page: Page = {}) => get<WindowList>(pipelinePath(pipeline, `/windows${queryOf(page)}`)),
    calendar: (pipeline: string, span: { from: string; to: string; limit?: number }) =>
      get<CalendarSpan>(pipelinePath(pipeline, `/calendar${queryOf(span)}`)),
    usage: (pipeline: string) => get<PipelineUsage>(pipelinePath(pipeline, '/usage')),
    backfills: (pipeline?: string) => get<BackfillList>(`/api/v1/backfills${queryOf(pipeline ? { pipeline } : {})}`),
    backfill: (name: string) => get<BackfillSummary>(`/api/v1/backfills/${encodeURIComponent(name)}`),
    backfillWindows: (name: string, page: { after?: number; limit?: number } = {}) =>
      get<BackfillWindowList>(`/api/v1/backfills/${encodeURIComponent(name)}/windows${queryOf(page)}`),
    previewBackfill: (pipeline: string, query: PreviewQuery) =>
      get<BackfillPreview>(pipelinePath(pipeline, `/backfill${queryOf(query)}`)),
    startBackfill: (request: BackfillRequest) => post<BackfillResult>('/api/v1/backfills', request),
    changeBackfill: (name: string, change: BackfillChange) =>
      post<BackfillResult>(`/api/v1/backfills/${encodeURIComponent(name)}`, change),
    mark: (pipeline: string, request: MarkRequest) => post<MarkResult>(pipelinePath(pipeline, '/marks'), request),
    startRun: (request: RunRequest) => post<RunRequestResult>('/api/v1/runs', request),
    rerun: (name: string, how: RerunRequest = {}) => post<RerunResult>(runPath(name, '/rerun'), how),
    cancel: (name: string) => post<RunRequestResult>(runPath(name, '/cancel')),
    /** The lines of a run's log; with `follow` until the run has settled. */
    logs: (name: string, { follow = false, signal }: { follow?: boolean; signal?: AbortSignal } = {}) =>
      lines({ server, method: 'GET', path: runPath(name, `/logs${queryOf({ follow })}`), signal, stream: true }),
  };
}

export type Client = ReturnType<typeof createClient>;

/** The answer to what was asked for; a failure where it did not come in time. */
async function ask<T extends object>(call: Call): Promise<T> {
  const answer = await sendForJson<T | { request: number }>(call);
  if (!('request' in answer)) return answer;
  throw new ApiFailure(
    202,
    'not-answered',
    'the controller took the request but is too busy to answer; look for it with `pipewright runs`',
  );
}

async function* lines(call: Call): AsyncGenerator<string> {
  const response = await send(call);
  try {
    yield* createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY });
  } catch {
    if (call.signal?.aborted) return;
    const address = call.server.origin;
    throw new ApiFailure(
      null,
      'broken-stream',
      `the controller at ${address} went away before the log had ended; ask again`,
    );
  } finally {
    // Also when the reader stops early; else the connection would keep the process alive.
    response.destroy();
  }
}

function parseServer(server: string): URL {
  if (URL.canParse(server)) {
    const url = new URL(server);
    if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  }
  throw new ApiFailure(
    null,
    'bad-server',
    `"${server}" is not the URL of a controller; write it as in http://127.0.0.1:6789`,
  );
}

function queryOf(values: Record<string, string | number | boolean | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) query.set(name, String(value));
  return query.size === 0 ? '' : `?${query}`;
}

type Call = {
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
async function send(call: Call): Promise<IncomingMessage> {
  const response = await open(call);
  if (response.statusCode !== undefined && response.statusCode < 400) return response;
  throw await failureOf(response, call.server);
}

async function sendForJson<T>(call: Call): Promise<T> {
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
