import * as http from 'node:http';
import * as https from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Call } from './transport.ts';

/** Sends a call once and resolves with the head of the answer, whatever its status. An `open` one goes on for long. */
export type Request = (call: Call, signal: AbortSignal, kind: 'short' | 'open') => Promise<http.IncomingMessage>;

/** More at once only wait in the API server, and each new connection costs a handshake. */
const mostSockets = 32;

/** On Node's own client with sockets that are kept; the kubeconfig says where to and as whom, afresh for every call. */
export function createRequest(config: KubeConfig): Request {
  const agentsFor = (maxSockets: number) => ({
    http: new http.Agent({ keepAlive: true, maxSockets }),
    https: new https.Agent({ keepAlive: true, maxSockets }),
  });
  // Watches and logs that are followed must not take the places of other calls.
  const agents = { short: agentsFor(mostSockets), open: agentsFor(Number.POSITIVE_INFINITY) };
  return async (call, signal, kind) => {
    const cluster = config.getCurrentCluster();
    const url = new URL(`${cluster?.server.replace(/\/$/, '')}${call.path}`);
    for (const [name, value] of Object.entries(call.query ?? {})) url.searchParams.set(name, value);
    const own: https.RequestOptions = { headers: {} };
    await config.applyToHTTPSOptions(own);
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    const headers = { ...(own.headers as http.OutgoingHttpHeaders), ...headersOf(call, body) };
    const secure = url.protocol === 'https:';
    const agent = cluster?.proxyUrl ? own.agent : agents[kind][secure ? 'https' : 'http'];
    return new Promise((resolve, reject) => {
      (secure ? https : http)
        .request(url, { ...own, agent, method: call.method, headers, signal })
        .on('socket', (socket) => socket.setKeepAlive(true, 15_000))
        .on('response', resolve)
        .on('error', reject)
        .end(body);
    });
  };
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
