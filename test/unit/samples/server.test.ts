import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { sampleRows } from '../../../tools/samples/files.ts';
import { createSampleServer, type SampleServer, type SampleServerOptions } from '../../../tools/samples/server.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0)) await clean();
});

async function serve(options: Partial<SampleServerOptions> = {}): Promise<SampleServer> {
  const server = await createSampleServer({ host: '127.0.0.1', port: 0, ...options });
  cleanups.push(server.close);
  return server;
}

type Answer = { status: number; headers: Record<string, unknown>; body: Buffer };

function get(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request(url, { method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
      response.on('error', reject);
    })
      .on('error', reject)
      .end();
  });
}

const path = '/yellow_tripdata_2019-08.csv.gz';

test('each month of 2019 and 2020 is there and no other', async () => {
  const { url } = await serve();
  const { status, headers, body } = await get(url + path);
  expect(status).toBe(200);
  expect(headers['content-length']).toBe(String(body.length));
  expect(gunzipSync(body).toString().trimEnd().split('\n')).toHaveLength(sampleRows('2019-08') + 1);
  expect((await get(`${url}/yellow_tripdata_2020-12.csv.gz`)).status).toBe(200);
  for (const other of [
    '/yellow_tripdata_2018-12.csv.gz',
    '/yellow_tripdata_2021-01.csv.gz',
    '/yellow_tripdata_2019-13.csv.gz',
    '/',
  ]) {
    expect((await get(url + other)).status).toBe(404);
  }
});

test('a range of the body continues it, unless the file has become another', async () => {
  const { url } = await serve();
  const whole = await get(url + path);
  const etag = String(whole.headers.etag);
  const rest = await get(url + path, { range: 'bytes=100-', 'if-range': etag });
  expect(rest.status).toBe(206);
  expect(rest.headers['content-range']).toBe(`bytes 100-${whole.body.length - 1}/${whole.body.length}`);
  expect(Buffer.concat([whole.body.subarray(0, 100), rest.body])).toEqual(whole.body);
  expect((await get(url + path, { range: 'bytes=100-', 'if-range': '"other"' })).status).toBe(200);
  expect((await get(url + path, { range: `bytes=${whole.body.length}-` })).status).toBe(416);
  expect((await get(url + path, { 'if-none-match': etag })).status).toBe(304);
  expect((await get(url + path, {}, 'HEAD')).body).toHaveLength(0);
});

test('a folder of real files is served instead of the made ones, and nothing else of it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pipewright-samples-'));
  cleanups.push(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'yellow_tripdata_2022-02.csv.gz'), gzipSync('a,b\n1,2\n'));
  await writeFile(join(folder, 'secret.txt'), 'secret');
  const { url } = await serve({ folder });
  expect(gunzipSync((await get(`${url}/yellow_tripdata_2022-02.csv.gz`)).body).toString()).toBe('a,b\n1,2\n');
  expect((await get(url + path)).status).toBe(404);
  expect((await get(`${url}/secret.txt`)).status).toBe(404);
});

test('in HTTP/1.0 mode the end of the connection ends the body, without a length', async () => {
  const modern = await get((await serve()).url + path);
  const { url } = await serve({ http10: true });
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.setEncoding('latin1');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const [head, body] = (await text(socket)).split(/\r\n\r\n(.*)/s);
  expect(head).toMatch(/^HTTP\/1\.0 200 OK/);
  expect(head).not.toMatch(/content-length|keep-alive|transfer-encoding/i);
  expect(Buffer.from(body ?? '', 'latin1')).toEqual(modern.body);
});

test('a slowed-down response is the same in the end', async () => {
  const fast = await get((await serve()).url + path);
  const slow = await get((await serve({ bytesPerSecond: 400_000 })).url + path);
  expect(slow.body).toEqual(fast.body);
});
