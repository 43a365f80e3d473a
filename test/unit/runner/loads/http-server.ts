import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** Answers one request; `count` is its number, from 1. */
export type Answer = (response: ServerResponse, request: IncomingMessage, count: number) => void;

export type TestServer = { url: string; requests: IncomingMessage[] };

/** A real server on this machine, gone after the test. */
export async function serve(answer: Answer): Promise<TestServer> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    answer(response, request, requests.length);
  });
  return { url: await listen(server, () => server.closeAllConnections()), requests };
}

/** A server that speaks to sockets as they are, for what `node:http` would never do. `count` is the connection's number. */
export async function serveRaw(answer: (socket: Socket, request: string, count: number) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    const count = sockets.size;
    let request = '';
    socket.on('error', () => {});
    socket.on('data', (data) => {
      request += data.toString('latin1');
      if (request.endsWith('\r\n\r\n')) answer(socket, request, count);
    });
  });
  return listen(server, () => {
    for (const socket of sockets) socket.destroy();
  });
}

async function listen(server: Server, cutOff: () => void): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    cutOff();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The part of a body that a request asks for by `Range`, as a server gives it; all of it without one. */
export function sendRange(response: ServerResponse, request: IncomingMessage, body: Buffer, etag: string): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? Number.NaN);
  if (Number.isNaN(from) || request.headers['if-range'] !== etag) {
    response.writeHead(200, { etag, 'content-length': body.length }).end(body);
    return;
  }
  const range = { etag, 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` };
  response.writeHead(206, { ...range, 'content-length': body.length - from }).end(body.subarray(from));
}

/** Sends the first bytes of a body that is said to be longer, and breaks the connection when they have gone out. */
export function breakOff(
  response: ServerResponse,
  body: Buffer,
  bytes: number,
  headers: Record<string, string> = {},
): void {
  response.writeHead(200, { ...headers, 'content-length': body.length });
  response.write(body.subarray(0, bytes), () => response.destroy());
}
