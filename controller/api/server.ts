import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { type FastifyInstance, fastify } from 'fastify';
import type { Logger } from 'pino';
import contracts from '../../schemas/generated/contracts.schema.json' with { type: 'json' };
import type { Reads } from '../store/reads.ts';
import type { createRequests } from '../store/requests.ts';
import { ApiProblem, errorHandler } from './errors.ts';
import { guard } from './guard.ts';
import { addReadRoutes } from './read-routes.ts';
import { addRequestRoutes } from './request-routes.ts';

export type ApiOptions = {
  readonly reads: Reads;
  readonly requests: ReturnType<typeof createRequests>;
  /** The log of a run, or null when there is no such run; with `follow` it ends when the run has settled. */
  readonly logs: (
    run: string,
    options: { follow: boolean; signal: AbortSignal },
  ) => Promise<AsyncIterable<string> | null>;
  readonly health: () => Promise<{ ready: boolean; reasons: string[] }>;
  /** Tells `intake` that there is a request. */
  readonly wake: () => void;
  readonly log: Logger;
};

/** The HTTP API, for programs of this machine only (see guard.ts). */
export function createApi(options: ApiOptions) {
  const closing = new AbortController();
  const app = fastify({ forceCloseConnections: true, bodyLimit: 1 << 20 });
  app.setValidatorCompiler(createValidators());
  app.setErrorHandler(errorHandler(options.log));
  app.setNotFoundHandler((request) => {
    throw new ApiProblem(
      404,
      'not-found',
      `there is no ${request.method} ${request.url}; the API's paths begin with /api/v1`,
    );
  });
  readJsonOnly(app);
  app.addHook('onRequest', guard);
  addReadRoutes(app, { ...options, signal: closing.signal });
  addRequestRoutes(app, { ...options, signal: closing.signal });
  return {
    /** Returns the URL. Port 0 is any free one. */
    async listen({ host, port }: { host: string; port: number }): Promise<string> {
      try {
        return await app.listen({ host, port });
      } catch (error) {
        throw listenError(error, host, port);
      }
    },
    /** Ends at once: waiting requests are answered, streams are cut. */
    async close(): Promise<void> {
      closing.abort();
      await app.close();
    },
  };
}

/** Query strings are text and are converted; bodies are JSON and are not. The contracts are JSON Schema 2020-12. */
function createValidators() {
  const create = (coerceTypes: boolean) => {
    const ajv = new Ajv2020({ coerceTypes, useDefaults: true, strict: false });
    addFormats.default(ajv);
    return ajv.addSchema(contracts, 'contracts');
  };
  const bodies = create(false);
  const queries = create(true);
  return ({ schema, httpPart }: { schema: object; httpPart?: string }) =>
    httpPart === 'body' ? bodies.compile(schema) : queries.compile(schema);
}

function readJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  const parse = app.getDefaultJsonParser('error', 'error');
  // `rerun` and `cancel` say all in their path, so an empty body is an empty object.
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, {});
    else void parse(request, String(body), done);
  });
}

function listenError(error: unknown, host: string, port: number): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  const address = `port ${port} of ${host}`;
  if (code === 'EADDRINUSE')
    return new Error(`${address} is taken by another program; stop it, or choose another port with --port`);
  if (code === 'EACCES')
    return new Error(`${address} may not be opened by this user; choose one from 1024 on with --port`);
  return new Error(`${address} cannot be opened (${message}); choose another with --port`);
}
