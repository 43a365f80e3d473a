import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { RerunRequest, RunRequest } from '../../schemas/generated/types.ts';
import type { RequestKind } from '../store/requests.ts';
import { addBackfillRoutes } from './backfill-routes.ts';
import { ApiProblem, refusal } from './errors.ts';
import { addMarkRoutes } from './mark-routes.ts';
import type { ApiOptions } from './server.ts';

/** How long a POST waits for `intake`'s answer before it leaves with 202, and between looks. Milliseconds. */
const patience = 15_000;
const firstWait = 20;
const longestWait = 200;

/** Keeps a request and answers it as `intake` does. */
export type Ask = (
  kind: RequestKind,
  body: Record<string, unknown>,
  request: FastifyRequest,
  reply: FastifyReply,
) => Promise<FastifyReply>;

/** What makes nothing new. */
const changes: readonly RequestKind[] = ['cancel', 'changeBackfill', 'mark'];

/** A POST becomes a row of `requests`; `intake` answers it. So what was accepted survives a crash of this process. */
export function addRequestRoutes(app: FastifyInstance, options: ApiOptions & { signal: AbortSignal }): void {
  const { requests, wake, signal } = options;

  const ask: Ask = async (kind, body, request, reply) => {
    const id = await requests.submit({ kind, body, actor: actorOf(request) });
    wake();
    const until = performance.now() + patience;
    for (let wait = firstWait; performance.now() < until; wait = Math.min(wait * 2, longestWait)) {
      const result = await requests.result(id);
      if (result && 'error' in result) throw refusal(result);
      if (result) return reply.status(changes.includes(kind) ? 200 : 201).send(result);
      await sleep(wait, undefined, { signal }).catch(() => {
        throw new ApiProblem(
          503,
          'stopping',
          'the controller is stopping; it answers this request after its next start',
        );
      });
    }
    return reply.status(202).send({ request: id });
  };

  addBackfillRoutes(app, options, ask);
  addMarkRoutes(app, ask);

  app.post<{ Body: RunRequest }>(
    '/api/v1/runs',
    { schema: { body: { $ref: 'contracts#/$defs/RunRequest' } } },
    (request, reply) => ask('run', { ...request.body }, request, reply),
  );
  app.post<{ Params: { name: string }; Body: RerunRequest | undefined }>(
    '/api/v1/runs/:name/rerun',
    { schema: { body: { anyOf: [{ $ref: 'contracts#/$defs/RerunRequest' }, { type: 'null' }] } } },
    (request, reply) => ask('rerun', { ...request.body, run: request.params.name }, request, reply),
  );
  app.post<{ Params: { name: string } }>('/api/v1/runs/:name/cancel', (request, reply) =>
    ask('cancel', { run: request.params.name }, request, reply),
  );
}

/** Who asks, for the audit. On a loopback port this is what the client says of itself. */
function actorOf(request: FastifyRequest): string {
  const given = request.headers['pipewright-actor'];
  return typeof given === 'string' && /^[\w.:@-]{1,64}$/.test(given) ? given : 'api';
}
