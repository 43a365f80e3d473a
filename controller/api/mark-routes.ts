import type { FastifyInstance } from 'fastify';
import type { MarkRequest } from '../../schemas/generated/types.ts';
import type { Ask } from './request-routes.ts';

/** Marks of windows by hand. */
export function addMarkRoutes(app: FastifyInstance, ask: Ask): void {
  app.post<{ Params: { name: string }; Body: MarkRequest }>(
    '/api/v1/pipelines/:name/marks',
    { schema: { body: { $ref: 'contracts#/$defs/MarkRequest' } } },
    (request, reply) => ask('mark', { ...request.body, pipeline: request.params.name }, request, reply),
  );
}
