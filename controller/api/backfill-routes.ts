import type { FastifyInstance } from 'fastify';
import type {
  BackfillChange,
  BackfillPreview,
  BackfillRequest,
  BackfillWindowList,
  Rerun,
} from '../../schemas/generated/types.ts';
import type { PipelineCalendars } from '../store/reads-span.ts';
import {
  type BackfillPlan,
  backfillDefaults,
  longestBackfill,
  planBackfill,
  tooManyWindows,
} from '../windows/backfill.ts';
import { readSpanWindows, spanBounds, toRow } from './calendar.ts';
import { ApiProblem, noPipeline } from './errors.ts';
import { limit, query, text } from './queries.ts';
import type { Ask } from './request-routes.ts';
import type { ApiOptions } from './server.ts';

const previewed = 1000;

type Reads = ApiOptions['reads'];

const rerun = { enum: ['missing', 'failed', 'stale', 'all'], default: backfillDefaults.rerun };
const order = { enum: ['oldest', 'newest'], default: backfillDefaults.order };

type Named = { Params: { name: string } };
type PreviewQuery = { from: string; to: string; rerun: Rerun; order: 'oldest' | 'newest'; dependents: boolean };

/** Backfills: what there are, what one would run, and requests for them. */
export function addBackfillRoutes(app: FastifyInstance, { reads }: ApiOptions, ask: Ask): void {
  app.get<{ Querystring: { pipeline?: string } }>(
    '/api/v1/backfills',
    { schema: query({ pipeline: text }) },
    async ({ query }) => ({ backfills: await reads.backfills(query) }),
  );
  app.get<Named>('/api/v1/backfills/:name', async ({ params }) => {
    const [found] = await reads.backfills({ name: params.name });
    return found ?? noBackfill(params.name);
  });
  app.get<Named & { Querystring: { after: number; limit: number } }>(
    '/api/v1/backfills/:name/windows',
    { schema: query({ after: { type: 'integer', minimum: 0, default: 0 }, limit }) },
    ({ params, query }) => windowsOf(reads, params.name, query),
  );
  app.get<Named & { Querystring: PreviewQuery }>(
    '/api/v1/pipelines/:name/backfill',
    {
      schema: query({ from: text, to: text, rerun, order, dependents: { type: 'boolean', default: false } }, [
        'from',
        'to',
      ]),
    },
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

function noBackfill(name: string): never {
  throw new ApiProblem(404, 'unknown-backfill', `there is no backfill "${name}"; \`pipewright backfills\` lists them`);
}

async function windowsOf(
  reads: ApiOptions['reads'],
  backfill: string,
  page: { after: number; limit: number },
): Promise<BackfillWindowList> {
  const found = (await reads.backfillWindows({ name: backfill, ...page })) ?? noBackfill(backfill);
  const calendars = await reads.calendars(found.pipeline);
  const timeZone = calendars?.schedule ? calendars.timeZone : 'UTC';
  return { backfill, timeZone, windows: [...found.windows], next: found.next };
}

async function preview(reads: Reads, pipeline: string, query: PreviewQuery): Promise<BackfillPreview> {
  const found = await reads.calendars(pipeline);
  if (!found) return noPipeline(pipeline);
  if (found.schedule === null)
    throw new ApiProblem(400, 'no-schedule', `pipeline "${pipeline}" has no schedule, so it has no windows to run`);
  const { timeZone } = found;
  const bounds = spanBounds(query, timeZone);
  const plan = await planOf(reads, found, query, bounds);
  return {
    pipeline,
    timeZone,
    windows: plan.windows.slice(0, previewed).map(toRow),
    ...countsOf(plan),
    ...(query.dependents && { dependents: await dependentsOf(reads, pipeline, query, bounds) }),
  };
}

type Bounds = { readonly from: Date; readonly to: Date };

async function planOf(reads: Reads, of: PipelineCalendars, query: PreviewQuery, bounds: Bounds): Promise<BackfillPlan> {
  const all = await readSpanWindows(reads, of, { ...bounds, limit: longestBackfill });
  // Asking for it would be refused, too: what is shown is what would run, and not a part of it.
  if (all.next) throw new ApiProblem(400, 'too-many-windows', tooManyWindows(bounds.from));
  return planBackfill({ ...query, ...bounds, windows: all.windows, now: new Date() });
}

const countsOf = ({ windows, notClosed, kept }: BackfillPlan) => ({ total: windows.length, notClosed, kept });

async function dependentsOf(reads: Reads, of: string, query: PreviewQuery, bounds: Bounds) {
  const found: NonNullable<BackfillPreview['dependents']> = [];
  for (const pipeline of await reads.dependents(of)) {
    const calendars = await reads.calendars(pipeline);
    if (calendars?.schedule) found.push({ pipeline, ...countsOf(await planOf(reads, calendars, query, bounds)) });
  }
  return found;
}
