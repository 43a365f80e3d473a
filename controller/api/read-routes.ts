import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Phase } from '../../schemas/generated/types.ts';
import { readCalendarSpan, type SpanQuery } from './calendar.ts';
import { ApiProblem, noPipeline } from './errors.ts';
import { pipelineList } from './pipelines.ts';
import { limit, query, text } from './queries.ts';
import type { ApiOptions } from './server.ts';
import { pipelineUsage } from './usage.ts';

type Named = { Params: { name: string } };

export function addReadRoutes(
  app: FastifyInstance,
  { reads, logs, signal }: ApiOptions & { signal: AbortSignal },
): void {
  app.get('/api/v1/pipelines', async () => pipelineList(await reads.pipelines()));
  app.get('/api/v1/sources', () => reads.sources());
  app.get('/api/v1/pools', () => reads.pools());
  app.get<{ Querystring: { limit: number; before?: string; pipeline?: string; phase?: Phase } }>(
    '/api/v1/runs',
    { schema: query({ limit, before: text, pipeline: text, phase: { $ref: 'contracts#/$defs/Phase' } }) },
    async ({ query }) => (await reads.runs(query)) ?? noPipeline(query.pipeline ?? ''),
  );
  addSelection(app, reads);
  app.get<Named>('/api/v1/runs/:name', async ({ params }) => (await reads.run(params.name)) ?? noRun(params.name));
  app.get<Named>(
    '/api/v1/runs/:name/manifest',
    async ({ params }) => (await reads.runManifest(params.name)) ?? noRun(params.name),
  );
  app.get<Named>(
    '/api/v1/pipelines/:name/manifest',
    async ({ params }) => (await reads.pipelineManifest(params.name)) ?? noPipeline(params.name),
  );
  app.get<Named & { Querystring: { limit: number; before?: string } }>(
    '/api/v1/pipelines/:name/windows',
    { schema: query({ limit, before: text }) },
    async ({ params, query }) => (await reads.windows(params.name, query)) ?? noPipeline(params.name),
  );
  app.get<Named>('/api/v1/pipelines/:name/usage', async ({ params }) => {
    const attempts = await reads.usage(params.name);
    return attempts ? pipelineUsage(params.name, attempts) : noPipeline(params.name);
  });
  app.get<Named & { Querystring: SpanQuery }>(
    '/api/v1/pipelines/:name/calendar',
    { schema: query({ limit, from: text, to: text }, ['from', 'to']) },
    async ({ params, query }) => (await readCalendarSpan(reads, params.name, query)) ?? noPipeline(params.name),
  );
  app.get<Named & { Querystring: { follow: boolean } }>(
    '/api/v1/runs/:name/logs',
    { schema: query({ follow: { type: 'boolean', default: false } }) },
    (request, reply) => sendLogs(request, reply, { logs, signal }),
  );
}

function addSelection(app: FastifyInstance, reads: ApiOptions['reads']): void {
  const phase = { type: 'string', pattern: '^[A-Z][a-z]+(,[A-Z][a-z]+)*$', default: 'Failed' };
  app.get<{ Querystring: { since?: string; pipeline?: string; reason?: string; phase: string } }>(
    '/api/v1/runs/selection',
    { schema: query({ since: { type: 'string', format: 'date-time' }, pipeline: text, reason: text, phase }) },
    async ({ query: { since, phase: phases, ...more } }) =>
      reads.selection({
        ...more,
        phases: phases.split(',') as Phase[],
        since: since === undefined ? undefined : new Date(since),
      }),
  );
}

async function sendLogs(
  { params, query }: FastifyRequest<Named & { Querystring: { follow: boolean } }>,
  reply: FastifyReply,
  { logs, signal }: Pick<ApiOptions, 'logs'> & { signal: AbortSignal },
): Promise<FastifyReply> {
  const left = new AbortController();
  // Also when the client goes away: whoever reads the log must not go on for nobody.
  reply.raw.once('close', () => left.abort());
  const lines = await logs(params.name, { follow: query.follow, signal: AbortSignal.any([signal, left.signal]) });
  if (!lines) return noRun(params.name);
  return reply.type('text/plain; charset=utf-8').header('cache-control', 'no-store').send(Readable.from(lines));
}

function noRun(name: string): never {
  throw new ApiProblem(404, 'unknown-run', `there is no run "${name}"; \`pipewright runs\` lists the newest`);
}
