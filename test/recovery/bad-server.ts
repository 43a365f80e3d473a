import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync, gzipSync } from 'node:zlib';

/** What is wrong with a month: the end of its file is missing, its first line is another one, or the server fails. */
export type Fault = 'truncated' | 'other header' | 'status 500';

/** Passes on the files of another server, some of them spoilt until `mend`. */
export async function createBadServer(options: { from: string; faults: Readonly<Record<string, Fault>> }) {
  let faults = options.faults;
  const server = createServer(async (request, response) => {
    try {
      const upstream = await fetch(`${options.from}${request.url}`);
      const body = Buffer.from(await upstream.arrayBuffer());
      const month = Object.keys(faults).find((name) => request.url?.includes(name));
      const spoilt = spoil(body, month === undefined ? null : (faults[month] ?? null));
      response.writeHead(spoilt === null ? 500 : upstream.status, { 'content-length': spoilt?.length ?? 0 });
      response.end(spoilt ?? undefined);
    } catch {
      response.destroy();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mend() {
      faults = {};
    },
    async close(): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Null: the server answers with an error. */
function spoil(body: Buffer, fault: Fault | null): Buffer | null {
  switch (fault) {
    case null:
      return body;
    case 'truncated':
      return body.subarray(0, Math.floor(body.length / 2));
    case 'other header': {
      const text = gunzipSync(body).toString('utf8');
      return gzipSync(text.replace('passenger_count', 'passengers'));
    }
    case 'status 500':
      return null;
  }
}
