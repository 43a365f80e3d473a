import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/** How many rows every file has. */
export const rowsPerFile = 40;

/** Serves `/DAY.csv?ms=N`: rows `day,n` that take N milliseconds to come, so that there is something to be hit meanwhile. */
export async function createSource(host: string) {
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://source');
    const day = url.pathname.slice(1, -'.csv'.length);
    response.writeHead(200, { 'content-type': 'text/csv' }).write('day,n\n');
    for (let n = 1; n <= rowsPerFile && !response.destroyed; n++) {
      response.write(`${day},${n}\n`);
      await delay(Number(url.searchParams.get('ms')) / rowsPerFile);
    }
    response.end();
  }).listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    url: `http://${host}:${port}`,
    close(): void {
      server.close();
      server.closeAllConnections();
    },
  };
}

export type Source = Awaited<ReturnType<typeof createSource>>;
