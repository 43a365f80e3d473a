import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Serves a small CSV of which the last row comes only when the gate is open: what loads it runs for as long as a test wants. */
export type Gate = {
  readonly url: string;
  /** How many wait now. */
  waiting(): number;
  open(): void;
  close(): void;
  stop(): void;
};

/** `host` is an address that pods reach. */
export async function createGate(host: string): Promise<Gate> {
  const held = new Set<ServerResponse>();
  let isOpen = false;
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/csv' });
    response.write('word\nfirst\n');
    if (isOpen) return void response.end('last\n');
    held.add(response);
    response.once('close', () => held.delete(response));
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}/words.csv`,
    waiting: () => held.size,
    open() {
      isOpen = true;
      for (const response of held) response.end('last\n');
    },
    close() {
      isOpen = false;
    },
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}
