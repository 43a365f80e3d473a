import { createInterface } from 'node:readline';
import type {
  PipelineList,
  RunDetail,
  RunList,
  RunRequest,
  RunRequestResult,
  WindowList,
} from '../../schemas/generated/types.ts';
import { ApiFailure, type Call, send, sendForJson } from './http.ts';

export { ApiFailure } from './http.ts';

export type RunsFilter = { limit?: number; before?: string; pipeline?: string; phase?: string };
export type Page = { limit?: number; before?: string };

/**
 * The controller's API, typed. `server` is its URL; `actor` is kept in the audit with what is asked for. Every method
 * throws `ApiFailure` with a sentence for a person.
 */
export function createClient(options: { server: string; actor?: string }) {
  const server = parseServer(options.server);
  const get = <T>(path: string) => sendForJson<T>({ server, method: 'GET', path });
  const post = async (path: string, body: object = {}): Promise<RunRequestResult> => {
    const headers: Record<string, string> = options.actor ? { 'pipewright-actor': options.actor } : {};
    const answer = await sendForJson<RunRequestResult | { request: number }>({
      server,
      method: 'POST',
      path,
      body,
      headers,
    });
    if ('run' in answer) return answer;
    throw new ApiFailure(
      202,
      'not-answered',
      'the controller took the request but is too busy to answer; look for it with `pipewright runs`',
    );
  };
  const runPath = (name: string, rest = '') => `/api/v1/runs/${encodeURIComponent(name)}${rest}`;
  return {
    pipelines: () => get<PipelineList>('/api/v1/pipelines'),
    runs: (filter: RunsFilter = {}) => get<RunList>(`/api/v1/runs${queryOf(filter)}`),
    run: (name: string) => get<RunDetail>(runPath(name)),
    windows: (pipeline: string, page: Page = {}) =>
      get<WindowList>(`/api/v1/pipelines/${encodeURIComponent(pipeline)}/windows${queryOf(page)}`),
    startRun: (request: RunRequest) => post('/api/v1/runs', request),
    rerun: (name: string) => post(runPath(name, '/rerun')),
    cancel: (name: string) => post(runPath(name, '/cancel')),
    /** The lines of a run's log; with `follow` until the run has settled. */
    logs: (name: string, { follow = false, signal }: { follow?: boolean; signal?: AbortSignal } = {}) =>
      lines({ server, method: 'GET', path: runPath(name, `/logs${queryOf({ follow })}`), signal, stream: true }),
  };
}

export type Client = ReturnType<typeof createClient>;

async function* lines(call: Call): AsyncGenerator<string> {
  const response = await send(call);
  // An interface of readline gives no error of its input: it must be asked for at the end.
  let broken: Error | undefined;
  response.once('error', (error) => {
    broken = error;
  });
  yield* createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY });
  if (broken && !call.signal?.aborted) {
    throw new ApiFailure(
      null,
      'broken-stream',
      `the controller at ${call.server.origin} went away before the log had ended; ask again`,
    );
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
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}
