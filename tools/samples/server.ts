import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createSocketServer, type Socket, type Server as SocketServer } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { createFolderFiles, createMadeFiles, type SampleFile, type SampleFiles } from './files.ts';

export type SampleServerOptions = {
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** Serve the files of a folder instead of made ones. */
  folder?: string;
  /** Speak HTTP/1.0: no length, no Range, the end of the connection ends the body. */
  http10?: boolean;
  /** Slow down each response, for tests that need something to be under way. */
  bytesPerSecond?: number;
};

/** `url` has no slash at its end; files lie directly below it. */
export type SampleServer = { url: string; close(): Promise<void> };

/** Serves `/yellow_tripdata_YYYY-MM.csv.gz` with ETag and Range; anything else is a 404. */
export async function createSampleServer(options: SampleServerOptions): Promise<SampleServer> {
  const files = options.folder ? createFolderFiles(options.folder) : createMadeFiles();
  const sockets = new Set<Socket>();
  const server = options.http10 ? createOldServer(files, options) : createModernServer(files, options);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${options.host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

type Pace = Pick<SampleServerOptions, 'bytesPerSecond'>;

function createModernServer(files: SampleFiles, pace: Pace): Server {
  return createServer((request, response) => {
    answer(files, request, response, pace).catch(() => response.destroy());
  });
}

async function answer(
  files: SampleFiles,
  request: IncomingMessage,
  response: ServerResponse,
  pace: Pace,
): Promise<void> {
  const file = await files(nameIn(request.url));
  if (!file) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
    return;
  }
  const common = { 'content-type': 'application/gzip', etag: file.etag, 'accept-ranges': 'bytes' };
  if (request.headers['if-none-match'] === file.etag) {
    response.writeHead(304, common).end();
    return;
  }
  const range = wantedRange(request, file);
  if (range === 'unsatisfiable') {
    response.writeHead(416, { ...common, 'content-range': `bytes */${file.bytes}` }).end();
    return;
  }
  const { start, end } = range ?? { start: 0, end: file.bytes - 1 };
  const partial = range ? { 'content-range': `bytes ${start}-${end}/${file.bytes}` } : {};
  response.writeHead(range ? 206 : 200, { ...common, ...partial, 'content-length': end - start + 1 });
  if (request.method === 'HEAD') response.end();
  else await pipeline(paced(file.read(start, end), pace), response);
}

function nameIn(url = '/'): string {
  return new URL(url, 'http://localhost').pathname.slice(1);
}

/** One range of bytes, both ends inclusive; null for the whole file, also when `If-Range` names another state of it. */
function wantedRange(
  request: IncomingMessage,
  file: SampleFile,
): { start: number; end: number } | 'unsatisfiable' | null {
  const match = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const ifRange = request.headers['if-range'];
  if (!match || (ifRange !== undefined && ifRange !== file.etag)) return null;
  const start = Number(match[1]);
  const end = match[2] ? Math.min(Number(match[2]), file.bytes - 1) : file.bytes - 1;
  return start < file.bytes && start <= end ? { start, end } : 'unsatisfiable';
}

/** A server as some still are. Written on sockets, because Node's own answers 1.1 with chunks or a length. */
function createOldServer(files: SampleFiles, pace: Pace): SocketServer {
  return createSocketServer((socket) => {
    let head = '';
    socket.on('error', () => socket.destroy());
    socket.on('data', function collect(data) {
      head += data.toString('latin1');
      if (!head.includes('\r\n\r\n')) return;
      socket.off('data', collect);
      answerOld(files, socket, head.split(' ', 2)[1], pace).catch(() => socket.destroy());
    });
  });
}

async function answerOld(files: SampleFiles, socket: Socket, url: string | undefined, pace: Pace): Promise<void> {
  const file = await files(nameIn(url));
  if (!file) {
    socket.end('HTTP/1.0 404 Not Found\r\nContent-Type: text/plain\r\n\r\nnot found\n');
    return;
  }
  socket.write('HTTP/1.0 200 OK\r\nContent-Type: application/gzip\r\n\r\n');
  await pipeline(paced(file.read(0, file.bytes - 1), pace), socket);
}

const slicesPerSecond = 20;

function paced(body: Readable, { bytesPerSecond }: Pace): Readable {
  if (!bytesPerSecond) return body;
  const sliceBytes = Math.max(1, Math.floor(bytesPerSecond / slicesPerSecond));
  return Readable.from(slices(body, sliceBytes));
}

async function* slices(body: Readable, sliceBytes: number): AsyncGenerator<Buffer> {
  for await (const chunk of body as AsyncIterable<Buffer>) {
    for (let start = 0; start < chunk.length; start += sliceBytes) {
      yield chunk.subarray(start, start + sliceBytes);
      await pause(1000 / slicesPerSecond);
    }
  }
}
