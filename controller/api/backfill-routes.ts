import type { FastifyInstance } from 'fastify';
import type { BackfillChange, BackfillPreview, BackfillRequest, Rerun } from '../../schemas/generated/types.ts';
import { backfillDefaults, longestBackfill, planBackfill } from '../windows/backfill.ts';
import { readSpanWindows, spanBounds, toRow } from './calendar.ts';
import { ApiProblem, noPipeline } from './errors.ts';
import { query, text } from './queries.ts';
import type { Ask } from './request-routes.ts';
import type { ApiOptions } from './server.ts';

const previewed = 1000;

const rerun = { enum: ['missing', 'failed', 'all'], default: backfillDefaults.rerun };
const order = { enum: ['oldest', 'newest'], default: backfillDefaults.order };

type Named = { Params: { name: string } };
type PreviewQuery = { from: string; to: string; rerun: Rerun; order: 'oldest' | 'newest' };

/** Backfills: what there are, what one would run, and requests for them. */
export function addBackfillRoutes(app: FastifyInstance, { reads }: ApiOptions, ask: Ask): void {
  app.get<{ Querystring: { pipeline?: string } }>(
    '/api/v1/backfills',
    { schema: query({ pipeline: text }) },
    async ({ query }) => ({ backfills: await reads.backfills(query) }),
  );
  app.get<Named>('/api/v1/backfills/:name', async ({ params }) => {
    const [found] = await reads.backfills({ name: params.name });
    if (found) return found;
    throw new ApiProblem(
      404,
      'unknown-backfill',
      `there is no backfill "${params.name}"; \`pipewright backfills\` lists them`,
    );
  });
  app.get<Named & { Querystring: PreviewQuery }>(
    '/api/v1/pipelines/:name/backfill',
    { schema: query({ from: text, to: text, rerun, order }, ['from', 'to']) },
    ({ params, query }) => preview(reads, params.name, query),
  );
  app.post<{ Body: BackfillRequest }>(
    '/api/v1/backfills',
    { schema: { body: { $ref: 'contracts#/$defs/BackfillRequest' } } },
    (request, reply) => ask('backfill', { ...request.body }, request, reply),
  );
  app.post<Named & { Body: BackfillChange }>(
    '/api/v1/backfills/:name',
    { schema: { body: { $ref: 'contracts#/$defs/BackfillChange' } } },
    (request, reply) => ask('changeBackfill', { ...request.body, backfill: request.params.name }, request, reply),
  );
}

async function preview(reads: ApiOptions['reads'], pipeline: string, query: PreviewQuery): Promise<BackfillPreview> {
  const found = await reads.calendars(pipeline);
  if (!found) return noPipeline(pipeline);
  if (found.schedule === null)
    throw new ApiProblem(400, 'no-schedule', `pipeline "${pipeline}" has no schedule, so it has no windows to run`);
  const { timeZone } = found;
  const bounds = spanBounds(query, timeZone);
  const all = await readSpanWindows(reads, found, { ...bounds, limit: longestBackfill });
  const plan = planBackfill({ ...query, ...bounds, windows: all.windows, now: new Date() });
  return {
    pipeline,
    timeZone,
    windows: plan.windows.slice(0, previewed).map(toRow),
    total: plan.windows.length,
    notClosed: plan.notClosed,
    kept: plan.kept,
  };
}
