import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { PassingFailure } from '../../../../runner/loads/backoff.ts';
import {
  createHttpClient,
  defaultTimeouts,
  type HttpAnswer,
  type Timeouts,
} from '../../../../runner/loads/http-client.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

/** Asks a server that answers the first bytes of each connection by hand. */
async function ask(answer: (socket: Socket) => void, timeouts: Partial<Timeouts> = {}): Promise<HttpAnswer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', () => answer(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = createHttpClient({ ...defaultTimeouts, ...timeouts });
  cleanups.push(() => {
    void client.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return client.get({ url, headers: {}, private: {} }, new AbortController().signal);
}

async function readSlowly(body: AsyncIterable<Buffer>, waitMs: number): Promise<number> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    await pause(waitMs);
  }
  return bytes;
}

const size = 400_000;

test.each([`Content-Length: ${size}\r\n`, ''])(
  'a slow reader gets all of a body from an HTTP/1.0 server (%j)',
  async (length) => {
    for (let time = 0; time < 5; time++) {
      const { body } = await ask((socket) => {
        socket.write(`HTTP/1.0 200 OK\r\n${length}\r\n`);
        socket.end(Buffer.alloc(size, 'a'));
      });
      expect(await readSlowly(body, 5)).toBe(size);
    }
  },
);

test('a connection that breaks off in the middle of a body is a failure that may pass', async () => {
  const { body } = await ask((socket) => socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\nabc`));
  await expect(readSlowly(body, 0)).rejects.toMatchObject({ code: 'ECONNRESET' });
});

test('a server that falls silent is given up, before its answer and within it', async () => {
  const silent = ask(() => {}, { headersMs: 50 });
  await expect(silent).rejects.toEqual(new PassingFailure('no answer within 0.05 s'));
  const { body } = await ask((socket) => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\nabc`), {
    bodyMs: 50,
  });
  await expect(readSlowly(body, 0)).rejects.toEqual(new PassingFailure('nothing came for 0.05 s'));
});

test('a reader that is slower than the limit for silence is not the server’s silence', async () => {
  const { body } = await ask(
    (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      socket.write(Buffer.alloc(size, 'a'));
    },
    { bodyMs: 40 },
  );
  expect(await readSlowly(body, 120)).toBe(size);
});
