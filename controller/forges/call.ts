import http from 'node:http';
import https from 'node:https';
import { type Forge, ForgeError, type Provider } from './forge.ts';

export type Call = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the API's URL. */
  readonly path: string;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal;
};

/** A forge that has not answered in full by then is taken for unreachable. */
const callMs = 10_000;
/** A page of a hundred comments of the greatest length. */
const mostBytes = 32 * 1024 * 1024;

/**
 * One call of a forge's API: the answer as JSON, null where it is empty. Throws a ForgeError. Redirects are not followed: the token
 * goes to the forge that was named and to nobody else.
 */
export async function call(forge: Forge, { method, path, body, signal }: Call): Promise<unknown> {
  const what = `${method} ${new URL(forge.apiUrl).origin}`;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(callMs)]);
  const { status, text } = await send(forge, { method, path, ...(body && { body }), signal: limit }).catch((error) => {
    signal.throwIfAborted();
    const why = limit.aborted ? `no answer within ${callMs / 1_000} s` : (error.message ?? error.code);
    throw new ForgeError(null, `${what}: ${why}; the forge must be reachable from here`);
  });
  const answer = parsed(text);
  if (status >= 200 && status < 300) return answer;
  throw new ForgeError(status, `${what}: ${forge.name}: answered ${status}${said(answer)}; ${wayOut(status, forge)}`);
}

type Answer = { readonly status: number; readonly text: string };

async function send(forge: Forge, { method, path, body, signal }: Call): Promise<Answer> {
  const url = new URL(`${forge.apiUrl}${path}`);
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    accept: 'application/json',
    'user-agent': 'pipewright',
    ...credentials[forge.provider](forge.token),
    ...(payload !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
  };
  const options = { method, headers, signal, agent: agentOf(url, forge) };
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const request =
      url.protocol === 'https:' ? https.request(url, options, resolve) : http.request(url, options, resolve);
    request.on('error', reject).end(payload);
  });
  return { status: response.statusCode ?? 0, text: await read(response) };
}

const credentials: Readonly<Record<Provider, (token: string) => Record<string, string>>> = {
  github: (token) => ({ authorization: `Bearer ${token}`, 'x-github-api-version': '2022-11-28' }),
  gitea: (token) => ({ authorization: `token ${token}` }),
  gitlab: (token) => ({ 'private-token': token }),
};

/** One for each call: calls are rare, and no connection is kept open between them. */
function agentOf(url: URL, { ca, proxyEnv }: Forge): http.Agent {
  const options = { ...(proxyEnv && { proxyEnv }), ...(ca !== undefined && { ca }) };
  return url.protocol === 'https:' ? new https.Agent(options) : new http.Agent(options);
}

async function read(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw new Error(`its answer has more than ${mostBytes / 1024 / 1024} MiB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return text === '' ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

/** The forge's own words, on one line. */
function said(answer: unknown): string {
  const { message, error } = (answer ?? {}) as { message?: unknown; error?: unknown };
  const words = message ?? error;
  if (words === undefined) return '';
  const text = typeof words === 'string' ? words : JSON.stringify(words);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach a terminal.
  return ` (${text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, 200)})`;
}

function wayOut(status: number, { provider }: Forge): string {
  if (status === 401) return 'give a token that is valid';
  if (status === 403 || status === 404) return 'check the repository, and that the token may write there';
  if (status >= 500 || status === 429) return 'try again later';
  return `the API of ${provider} must be at that URL`;
}
