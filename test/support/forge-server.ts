import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

export type ForgeCall = {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
};

type Answer = { readonly status: number; readonly body?: unknown };

/** A server that takes down what it is asked, and answers as the test says; where that is null, not at all. */
export async function startForgeServer(
  answer: (call: ForgeCall) => Promise<Answer | null> | Answer | null = () => ({ status: 201, body: {} }),
) {
  const calls: ForgeCall[] = [];
  const server = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request;
    const call = { method, path: url, headers, body: await json(request).catch(() => null) };
    calls.push(call);
    const given = await answer(call);
    if (given === null) return;
    response.writeHead(given.status, { 'content-type': 'application/json' });
    response.end(given.body === undefined ? '' : JSON.stringify(given.body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    async stop(): Promise<void> {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
