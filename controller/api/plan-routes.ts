import type { FastifyInstance } from 'fastify';
import type { PlanFacts, PlanRequest } from '../../schemas/generated/types.ts';
import type { ApiOptions } from './server.ts';

/** What the command `plan` adds to what manifests tell. A POST only because the names may be many. */
export function addPlanRoutes(app: FastifyInstance, { reads }: ApiOptions): void {
  app.post<{ Body: PlanRequest }>(
    '/api/v1/plan',
    { schema: { body: { $ref: 'contracts#/$defs/PlanRequest' } } },
    async ({ body }): Promise<PlanFacts> => ({ pipelines: await reads.planFacts(body.pipelines) }),
  );
}
