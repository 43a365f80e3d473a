import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { Reads } from '../store/reads.ts';
import type { createRequests } from '../store/requests.ts';
import { addHealthRoutes, createApp, type Health, listen } from './app.ts';
import { guard } from './guard.ts';
import { addPlanRoutes } from './plan-routes.ts';
import { addReadRoutes } from './read-routes.ts';
import { addRequestRoutes } from './request-routes.ts';

/** How long a stop waits for answers, in ms. */
const patienceMs = 1_000;

export type ApiOptions = {
  readonly reads: Reads;
  readonly requests: ReturnType<typeof createRequests>;
  /** The log of a run, or null when there is no such run; with `follow` it ends when the run has settled. */
  readonly logs: (
    run: string,
    options: { follow: boolean; signal: AbortSignal },
  ) => Promise<AsyncIterable<string> | null>;
  readonly health: Health;
  /** Tells `intake` that there is a request. */
  readonly wake: () => void;
  readonly log: Logger;
};

/** The HTTP API, for programs of this machine only (see guard.ts). */
export function createApi(options: ApiOptions) {
  const closing = new AbortController();
  const app = createApp(options.log);
  const answered = countAnswers(app);
  app.addHook('onRequest', guard);
  addHealthRoutes(app, options.health);
  addPlanRoutes(app, options);
  addReadRoutes(app, { ...options, signal: closing.signal });
  addRequestRoutes(app, { ...options, signal: closing.signal });
  return {
    listen: (address: { host: string; port: number }) => listen(app, address),
    /** Ends at once: waiting requests are answered, streams are cut. */
    async close(): Promise<void> {
      closing.abort();
      await answered(patienceMs);
      await app.close();
    },
  };
}

/**
 * Closing cuts every connection, also one on which the answer to a request is on its way: so that is waited for, but not for
 * ever. A log that is followed is cut: its reader shall not take it for whole.
 */
function countAnswers(app: FastifyInstance): (patienceMs: number) => Promise<void> {
  let open = 0;
  let onNone = () => {};
  app.addHook('onRequest', async ({ method }) => {
    if (method === 'POST') open += 1;
  });
  app.addHook('onResponse', async ({ method }) => {
    if (method === 'POST') open -= 1;
    if (open === 0) onNone();
  });
  return (ms) =>
    new Promise((resolve) => {
      onNone = resolve;
      if (open === 0) resolve();
      setTimeout(resolve, ms).unref();
    });
}
