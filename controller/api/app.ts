import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { type FastifyInstance, fastify } from 'fastify';
import type { Logger } from 'pino';
import contracts from '../../schemas/generated/contracts.schema.json' with { type: 'json' };
import { ApiProblem, errorHandler } from './errors.ts';

/** Whether the controller can do its work, and why not. */
export type Health = () => Promise<{ ready: boolean; reasons: string[] }>;

export const maxBodyBytes = 1 << 20;

/**
 * An HTTP server that speaks JSON alone, checks what comes by the contracts, and answers every error as `ApiError`.
 * `dropsUnknown`: a field of a body that the contracts do not name is left out instead of refused. `requestMs`: how long a request
 * may take to arrive.
 */
export function createApp(log: Logger, { dropsUnknown = false, requestMs = 60_000 } = {}): FastifyInstance {
  const app = fastify({
    forceCloseConnections: true,
    bodyLimit: maxBodyBytes,
    // Whoever sends by drops does not hold a connection for ever.
    requestTimeout: requestMs,
    http: { headersTimeout: requestMs, connectionsCheckingInterval: requestMs / 4 },
  });
  app.setValidatorCompiler(createValidators(dropsUnknown));
  app.setErrorHandler(errorHandler(log));
  app.setNotFoundHandler((request) => {
    throw new ApiProblem(
      404,
      'not-found',
      `there is no ${request.method} ${request.url}; the API's paths begin with /api/v1`,
    );
  });
  readJsonOnly(app);
  return app;
}

/** Liveness and readiness, for probes. */
export function addHealthRoutes(app: FastifyInstance, health: Health): void {
  app.get('/healthz', async () => ({ ok: true }));
  app.get('/readyz', async (_request, reply) => {
    const state = await health();
    return reply.status(state.ready ? 200 : 503).send(state);
  });
}

/** Opens the port; returns the URL. Port 0 is any free one. Throws one sentence when it cannot be opened. */
export async function listen(app: FastifyInstance, { host, port }: { host: string; port: number }): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (error) {
    throw listenError(error, host, port);
  }
}

/** Query strings are text and are converted; bodies are JSON and are not. The contracts are JSON Schema 2020-12. */
function createValidators(dropsUnknown: boolean) {
  const create = (coerceTypes: boolean, removeAdditional: boolean) => {
    const ajv = new Ajv2020({ coerceTypes, removeAdditional, useDefaults: true, strict: false });
    addFormats.default(ajv);
    return ajv.addSchema(contracts, 'contracts');
  };
  const bodies = create(false, dropsUnknown);
  const queries = create(true, false);
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
