import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { openBody } from '../../../../runner/loads/body.ts';
import type { HttpRequest } from '../../../../runner/loads/http-client.ts';
import { breakOff, sendRange, serve, serveRaw } from './http-server.ts';

const quick = {
  backoff: { limit: 3, initialMs: 1, maxMs: 5 },
  timeouts: { connectMs: 1000, headersMs: 300, bodyMs: 300 },
};

type Options = {
  compression?: 'auto' | 'none' | 'gzip';
  maxBytes?: number;
  signal?: AbortSignal;
  request?: Partial<HttpRequest>;
};

async function download(url: string, options: Options = {}): Promise<{ body: Buffer; log: string[] }> {
  const log: string[] = [];
  const body = await openBody({
    request: { url: new URL(url), headers: {}, private: {}, ...options.request },
    compression: options.compression ?? 'auto',
    maxBytes: options.maxBytes ?? 1e9,
    policy: quick,
    signal: options.signal ?? new AbortController().signal,
    log: (line) => log.push(line),
    onBytes: () => {},
  });
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of body.bytes) chunks.push(chunk);
    return { body: Buffer.concat(chunks), log };
  } finally {
    await body.close();
  }
}

const content = randomBytes(300_000);

describe('a download', () => {
  test.each([429, 500, 503])('tries again after %i', async (status) => {
    const { url, requests } = await serve((response, _, count) => {
      if (count < 3) response.writeHead(status).end('not now');
      else response.end(content);
    });
    const { body, log } = await download(`${url}/a.bin`);
    expect(body.equals(content)).toBe(true);
    expect(requests).toHaveLength(3);
    expect(log[0]).toMatch(new RegExp(`^the server answered ${status} .*; trying again in 0.001 s$`));
  });

  test('waits as long as Retry-After says', async () => {
    const { url } = await serve((response, _, count) => {
      if (count === 1) response.writeHead(429, { 'retry-after': '1' }).end();
      else response.end('ok');
    });
    const { log } = await download(`${url}/a`);
    expect(log).toEqual(['the server answered 429 Too Many Requests; trying again in 1 s']);
  });

  test('does not wait for a server that wants it to come back tomorrow', async () => {
    const { url } = await serve((response) => response.writeHead(503, { 'retry-after': '86400' }).end());
    await expect(download(`${url}/a`)).rejects.toMatchObject({
      reason: 'LoadFailed',
      message: expect.stringContaining('the server asks for a later try'),
    });
  });

  test('gives up after its last try and says why', async () => {
    const { url, requests } = await serve((response) => response.writeHead(502).end());
    await expect(download(`${url}/a`)).rejects.toMatchObject({
      reason: 'LoadFailed',
      message:
        'the server answered 502 Bad Gateway (4 tries failed, 0 bytes received); try again when the server is well',
    });
    expect(requests).toHaveLength(4);
  });

  test('does not try again what will not change', async () => {
    const { url, requests } = await serve((response) => response.writeHead(404).end());
    await expect(download(`${url}/a`)).rejects.toMatchObject({
      reason: 'LoadFailed',
      message: 'the server answered 404 Not Found; correct the url, or wait until the file is there',
    });
    expect(requests).toHaveLength(1);
  });

  test('tries again when the connection is reset before an answer', async () => {
    const { url } = await serve((response, request, count) => {
      if (count === 1) request.socket.resetAndDestroy();
      else response.end('ok');
    });
    expect(String((await download(`${url}/a`)).body)).toBe('ok');
  });

  test('tries again when nothing listens, and says so in the end', async () => {
    await expect(download('http://127.0.0.1:9/a')).rejects.toMatchObject({
      reason: 'LoadFailed',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('tries again when no answer comes in time', async () => {
    const { url } = await serve((response, _, count) => {
      if (count > 1) response.end('ok');
    });
    expect(String((await download(`${url}/a`)).body)).toBe('ok');
  });

  test('ends with the reason of its signal while it waits', async () => {
    const controller = new AbortController();
    const { url } = await serve((response) => {
      response.write('some');
      controller.abort(new Error('enough'));
    });
    await expect(download(`${url}/a`, { signal: controller.signal })).rejects.toThrow('enough');
  });

  test('refuses a body that is said to be too large, and one that turns out to be', async () => {
    const told = await serve((response) => response.writeHead(200, { 'content-length': content.length }).end(content));
    const untold = await serve((response) => void response.end(content));
    for (const { url } of [told, untold]) {
      await expect(download(`${url}/a`, { maxBytes: 1000 })).rejects.toMatchObject({
        reason: 'InputTooLarge',
        message: expect.stringContaining('maxBytes allows 1000'),
      });
    }
  });
});

describe('an interrupted body', () => {
  test('goes on by Range where it broke off', async () => {
    const { url, requests } = await serve((response, request, count) => {
      if (count === 1) breakOff(response, content, 100_000, { etag: '"v1"' });
      else sendRange(response, request, content, '"v1"');
    });
    expect((await download(`${url}/a`)).body.equals(content)).toBe(true);
    expect(requests[1]?.headers).toMatchObject({
      range: expect.stringMatching(/^bytes=[1-9]\d*-$/),
      'if-range': '"v1"',
    });
  });

  test('goes on when the server knows no Range and sends all of it again', async () => {
    const { url, requests } = await serve((response, _, count) => {
      if (count < 3) breakOff(response, content, 50_000 * count);
      else response.writeHead(200, { 'content-length': content.length }).end(content);
    });
    expect((await download(`${url}/a`)).body.equals(content)).toBe(true);
    expect(requests.map(({ headers }) => headers.range)).toEqual([undefined, undefined, undefined]);
  });

  test('goes on when a Range is answered with all of the same file', async () => {
    const { url } = await serve((response, _, count) => {
      if (count === 1) breakOff(response, content, 100_000, { etag: '"v1"' });
      else response.writeHead(200, { etag: '"v1"', 'content-length': content.length }).end(content);
    });
    expect((await download(`${url}/a`)).body.equals(content)).toBe(true);
  });

  test.each([
    ['by its ETag', { etag: '"v1"' }, { etag: '"v2"' }],
    ['by its bytes', {}, {}],
  ])('fails when the file has changed meanwhile, known %s', async (_, before, after) => {
    const { url } = await serve((response, _request, count) => {
      if (count === 1) breakOff(response, content, 100_000, before);
      else response.writeHead(200, { ...after, 'content-length': content.length }).end(randomBytes(content.length));
    });
    await expect(download(`${url}/a`)).rejects.toMatchObject({
      reason: 'LoadFailed',
      message: expect.stringContaining('the file changed while it was read'),
    });
  });

  test('counts failures anew whenever bytes came', async () => {
    const { url, requests } = await serve((response, request, count) => {
      const from = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
      if (count === 1) return breakOff(response, content, 30_000, { etag: '"v"' });
      const to = Math.min(from + 30_000, content.length);
      const range = { etag: '"v"', 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` };
      response.writeHead(206, { ...range, 'content-length': content.length - from });
      if (to === content.length) response.end(content.subarray(from));
      else response.write(content.subarray(from, to), () => response.destroy());
    });
    expect((await download(`${url}/a`)).body.equals(content)).toBe(true);
    expect(requests.length).toBeGreaterThan(5);
  });

  test('is tried again when no byte comes for too long', async () => {
    const { url } = await serve((response, request, count) => {
      if (count > 1) return sendRange(response, request, content, '"v"');
      response.writeHead(200, { etag: '"v"', 'content-length': content.length });
      response.write(content.subarray(0, 10_000));
    });
    expect((await download(`${url}/a`)).body.equals(content)).toBe(true);
  });
});

describe('gzip', () => {
  const text = Buffer.from('a,b\n'.repeat(100_000));
  const packed = gzipSync(text);

  test.each([
    ['by the suffix of the path', '/a.csv.gz?token=x', {}, 'auto'],
    ['by the header', '/a.csv', { 'content-encoding': 'gzip' }, 'auto'],
    ['by the manifest', '/a.bin', {}, 'gzip'],
    ['once, though both suffix and header say so', '/a.csv.gz', { 'content-encoding': 'gzip' }, 'auto'],
  ] as const)('is undone %s', async (_, path, headers, compression) => {
    const { url } = await serve((response) => response.writeHead(200, headers).end(packed));
    expect((await download(url + path, { compression })).body.equals(text)).toBe(true);
  });

  test('of several members is undone to its end', async () => {
    const { url } = await serve((response) => response.end(Buffer.concat([packed, gzipSync('the end')])));
    expect(String((await download(`${url}/a.gz`)).body)).toBe(`${text}the end`);
  });

  test('goes on by Range in the middle', async () => {
    const { url } = await serve((response, request, count) => {
      if (count === 1) breakOff(response, packed, 200, { etag: '"v"' });
      else sendRange(response, request, packed, '"v"');
    });
    expect((await download(`${url}/a.gz`)).body.equals(text)).toBe(true);
  });

  test('that is truncated on the server is invalid input', async () => {
    const half = packed.subarray(0, packed.length / 2);
    const { url, requests } = await serve((response) =>
      response.writeHead(200, { 'content-length': half.length }).end(half),
    );
    await expect(download(`${url}/a.gz`)).rejects.toMatchObject({
      reason: 'InvalidInput',
      message: 'the gzip file is truncated: it ends in the middle; write it anew',
    });
    expect(requests).toHaveLength(1);
  });

  test('that is none is invalid input', async () => {
    const { url } = await serve((response) => response.end('plain text'));
    await expect(download(`${url}/a.gz`)).rejects.toMatchObject({
      reason: 'InvalidInput',
      message: expect.stringContaining('set compression: none'),
    });
  });

  test('is the only encoding that is undone', async () => {
    const { url } = await serve((response) => response.writeHead(200, { 'content-encoding': 'br' }).end('x'));
    await expect(download(`${url}/a`)).rejects.toMatchObject({ reason: 'InvalidInput' });
  });
});

describe('an HTTP/1.0 server', () => {
  const text = Buffer.from(`${'0123456789abcdef'.repeat(64)}\n`.repeat(8000));
  const head = 'HTTP/1.0 200 OK\r\nContent-Type: text/csv\r\n\r\n';

  test('is read to the end of its connection, however slowly the reader takes it', async () => {
    const url = await serveRaw((socket) => {
      socket.write(head);
      socket.end(text);
    });
    const body = await openBody({
      request: { url: new URL(`${url}/a.csv`), headers: {}, private: {} },
      compression: 'auto',
      maxBytes: 1e9,
      policy: quick,
      signal: new AbortController().signal,
      log: () => {},
      onBytes: () => {},
    });
    let bytes = 0;
    for await (const chunk of body.bytes) {
      bytes += chunk.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await body.close();
    expect(bytes).toBe(text.length);
  });

  test('whose connection ends in the middle of a gzip file is asked again', async () => {
    const packed = gzipSync(text);
    const url = await serveRaw((socket, _, count) => {
      socket.write(head);
      socket.end(count === 1 ? packed.subarray(0, packed.length - 100) : packed);
    });
    expect((await download(`${url}/a.gz`)).body.equals(text)).toBe(true);
  });

  test('whose gzip file is always the same half of one is believed', async () => {
    const packed = gzipSync(text);
    const url = await serveRaw((socket) => {
      socket.write(head);
      socket.end(packed.subarray(0, packed.length - 100));
    });
    await expect(download(`${url}/a.gz`)).rejects.toMatchObject({ reason: 'InvalidInput' });
  });

  test('may send a gzip file of several members', async () => {
    const url = await serveRaw((socket) => {
      socket.write(head);
      socket.end(Buffer.concat([gzipSync('one '), gzipSync('two')]));
    });
    expect(String((await download(`${url}/a.gz`)).body)).toBe('one two');
  });
});

describe('a redirection', () => {
  test('is followed, and secrets stay with the host that they are for', async () => {
    const other = await serve((response) => response.end('there'));
    const { url } = await serve((response, request) => {
      if (request.url === '/a') response.writeHead(302, { location: '/b' }).end();
      else response.writeHead(307, { location: `${other.url}/c` }).end();
    });
    const request = { headers: { accept: 'text/csv' }, private: { authorization: 'Bearer secret' } };
    expect(String((await download(`${url}/a`, { request })).body)).toBe('there');
    expect(other.requests[0]?.headers).toMatchObject({ accept: 'text/csv' });
    expect(other.requests[0]?.headers.authorization).toBeUndefined();
  });

  test('within a host keeps its secrets', async () => {
    const { url, requests } = await serve((response, request) => {
      if (request.url === '/a') response.writeHead(301, { location: '/b' }).end();
      else response.end('here');
    });
    await download(`${url}/a`, { request: { private: { authorization: 'Bearer secret' } } });
    expect(requests[1]?.headers.authorization).toBe('Bearer secret');
  });

  test('that never ends is given up', async () => {
    const { url, requests } = await serve((response) => response.writeHead(302, { location: '/again' }).end());
    await expect(download(`${url}/a`)).rejects.toMatchObject({
      reason: 'LoadFailed',
      message: 'more than 5 redirections; give the address they lead to',
    });
    expect(requests).toHaveLength(6);
  });

  test('to a file of this machine is refused', async () => {
    const { url } = await serve((response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end());
    await expect(download(`${url}/a`)).rejects.toMatchObject({ reason: 'LoadFailed' });
  });
});
