import type pg from 'pg';
import { pino } from 'pino';
import { createApi } from '../../../controller/api/server.ts';
import { createReads } from '../../../controller/store/reads.ts';
import { createRequests } from '../../../controller/store/requests.ts';
import { type Outcome, pipewright } from './command.ts';

/** The API of a store, on a free port, and the command line that asks it. `wake`: there is a request. */
export async function serve({ pool, wake }: { pool: pg.Pool; wake: () => void }) {
  const api = createApi({
    reads: createReads({ pool }),
    requests: createRequests({ pool }),
    logs: async () => null,
    health: async () => ({ ready: true, reasons: [] }),
    wake,
    log: pino({ level: 'silent' }),
  });
  const server = await api.listen({ host: '127.0.0.1', port: 0 });
  return {
    server,
    ask: (...args: string[]): Promise<Outcome> => pipewright([...args, '--server', server]),
    close: () => api.close(),
  };
}
