import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import type { Kubernetes } from '../../../controller/kubernetes/client.ts';
import type { ControlPlane } from '../support/control-plane.ts';

type Log = {
  lines: { readonly time: string; readonly text: string }[];
  hasEnded: boolean;
  status: number;
  readonly followers: Set<ServerResponse>;
};

export type Request = { readonly pod: string; readonly follow: boolean; readonly since: string | null };

/**
 * A node without containers: where the API server asks a kubelet for logs, it gets what the test has written. All that lies
 * between is real.
 */
export async function startKubelet(plane: ControlPlane, kubernetes: Kubernetes, name = 'node') {
  const logs = new Map<string, Log>();
  const requests: Request[] = [];
  let second = 0;
  const [cert, key] = ['apiserver.crt', 'apiserver.key'].map((file) =>
    readFileSync(join(dirname(plane.kubeconfig), file)),
  );
  const server = createServer({ cert, key }, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name } };
  await kubernetes.create(node);
  const daemonEndpoints = { kubeletEndpoint: { Port: (server.address() as AddressInfo).port } };
  const status = { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }], daemonEndpoints };
  await kubernetes.apply({ ...node, status }, { subresource: 'status' });

  function logOf(pod: string): Log {
    const log = logs.get(pod) ?? { lines: [], hasEnded: false, status: 200, followers: new Set() };
    logs.set(pod, log);
    return log;
  }

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? '', 'https://kubelet');
    const pod = pathname.split('/')[3] ?? '';
    const since = searchParams.get('sinceTime');
    const follow = searchParams.get('follow') === 'true';
    requests.push({ pod, follow, since });
    const log = logOf(pod);
    response.statusCode = log.status;
    if (log.status !== 200) return void response.end('no such log');
    response.flushHeaders();
    for (const line of log.lines.filter(({ time }) => since === null || time >= since.slice(0, 19))) {
      response.write(`${line.time} ${line.text}\n`);
    }
    if (!follow || log.hasEnded) return void response.end();
    log.followers.add(response);
    response.once('close', () => log.followers.delete(response));
  }

  return {
    requests,
    /** Every line has a second of its own; with `sameTime` that of the line before. */
    write(pod: string, texts: string[], { sameTime = false } = {}): void {
      for (const text of texts) {
        if (!sameTime) second += 1;
        const line = { time: new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString(), text };
        logOf(pod).lines.push(line);
        for (const response of logOf(pod).followers) response.write(`${line.time} ${text}\n`);
      }
    },
    end(pod: string): void {
      logOf(pod).hasEnded = true;
      for (const response of logOf(pod).followers) response.end();
    },
    /** The first lines go, as when a node begins a new file. */
    rotate(pod: string, lines: number): void {
      logOf(pod).lines.splice(0, lines);
    },
    cut(pod: string): void {
      for (const response of logOf(pod).followers) response.destroy();
    },
    /** From now on requests for this log are answered so. */
    answerWith(pod: string, status: number): void {
      logOf(pod).status = status;
    },
    followers: (pod: string) => logOf(pod).followers.size,
    stop(): void {
      server.closeAllConnections();
      server.close();
    },
  };
}

export type Kubelet = Awaited<ReturnType<typeof startKubelet>>;
