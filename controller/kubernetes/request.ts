import * as http from 'node:http';
import * as https from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Call } from './transport.ts';

/** Sends a call once and resolves with the head of the answer, whatever its status. An `open` one goes on for long. */
export type Request = (call: Call, signal: AbortSignal, kind: 'short' | 'open') => Promise<http.IncomingMessage>;

/** More at once only wait in the API server, and each new connection costs a handshake. */
const mostSockets = 32;

/** Certificates and tokens may change under a running controller; to read them for every call would cost more than the call. */
const freshMs = 1_000;

/** On Node's own client with sockets that are kept; the kubeconfig says where to and as whom. */
export function createRequest(config: KubeConfig): Request {
  const access = createAccess(config);
  const agentsFor = (maxSockets: number) => ({
    http: new http.Agent({ keepAlive: true, maxSockets }),
    https: named(new https.Agent({ keepAlive: true, maxSockets })),
  });
  // Watches and logs that are followed must not take the places of other calls.
  const agents = { short: agentsFor(mostSockets), open: agentsFor(Number.POSITIVE_INFINITY) };
  return async (call, signal, kind) => {
    const { server, isProxied, options } = await access();
    const url = new URL(`${server}${call.path}`);
    for (const [name, value] of Object.entries(call.query ?? {})) url.searchParams.set(name, value);
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    const headers = { ...(options.headers as http.OutgoingHttpHeaders), ...headersOf(call, body) };
    const secure = url.protocol === 'https:';
    const agent = isProxied ? options.agent : agents[kind][secure ? 'https' : 'http'];
    return new Promise((resolve, reject) => {
      (secure ? https : http)
        .request(url, { ...options, agent, method: call.method, headers, signal })
        .on('socket', (socket) => socket.setKeepAlive(true, 15_000))
        .on('response', resolve)
        .on('error', reject)
        .end(body);
    });
  };
}

/** `identity` is another one when certificates have changed. */
type Options = https.RequestOptions & { readonly identity: number };
type Access = { readonly server: string; readonly isProxied: boolean; readonly options: Options };

function createAccess(config: KubeConfig): () => Promise<Access> {
  let identity = 0;
  let last = '';
  let readAt = Number.NEGATIVE_INFINITY;
  let access: Promise<Access>;

  async function read(): Promise<Access> {
    const cluster = config.getCurrentCluster();
    const own: https.RequestOptions = { headers: {} };
    await config.applyToHTTPSOptions(own);
    const { ca, cert, key, pfx, servername, rejectUnauthorized } = own;
    const now = JSON.stringify([ca, cert, key, pfx, servername, rejectUnauthorized].map((each) => String(each)));
    if (now !== last) identity += 1;
    last = now;
    const server = cluster?.server.replace(/\/$/, '') ?? '';
    return { server, isProxied: cluster?.proxyUrl !== undefined, options: { ...own, identity } };
  }

  return () => {
    if (performance.now() - readAt > freshMs) {
      readAt = performance.now();
      access = read();
    }
    return access;
  };
}

/** Node names a connection by all certificates, kilobytes for each call. Here every call goes to one server. */
function named(agent: https.Agent): https.Agent {
  return Object.assign(agent, { getName: (options?: object) => `identity ${(options as Options).identity}` });
}

function headersOf(call: Call, body: string | undefined): http.OutgoingHttpHeaders {
  const form = call.verb === 'list' ? 'PartialObjectMetadataList' : 'PartialObjectMetadata';
  const accept = call.metadataOnly ? `application/json;as=${form};g=meta.k8s.io;v=v1` : 'application/json';
  const common = { accept, 'user-agent': 'pipewright' };
  if (body === undefined) return common;
  return {
    ...common,
    'content-type': call.contentType ?? 'application/json',
    'content-length': Buffer.byteLength(body),
  };
}
