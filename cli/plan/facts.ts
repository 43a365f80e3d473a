import type { Client } from '../../controller/api/client.ts';
import { askedPipelines, type Facts, withFacts } from '../../controller/plan/facts.ts';
import type { BackfillChange, Plan } from '../../controller/plan/plan.ts';
import type { PipelineFacts } from '../../schemas/generated/types.ts';

/** As many names as one request takes. */
const atOnce = 100;

/** Asks a controller what only it knows of the pipelines that a change reaches, and puts it into the plan. */
export async function askFacts(plan: Plan, client: Client): Promise<Plan> {
  const names = askedPipelines(plan);
  const pipelines = new Map<string, PipelineFacts>();
  for (let from = 0; from < names.length; from += atOnce) {
    const answer = await client.planFacts({ pipelines: names.slice(from, from + atOnce) });
    for (const facts of answer.pipelines) pipelines.set(facts.pipeline, facts);
  }
  const previews = new Map<string, { windows: number; kept: number }>();
  for (const backfill of plan.backfills) {
    const preview = pipelines.has(backfill.pipeline) ? await previewOf(backfill, client) : null;
    if (preview) previews.set(backfill.name, preview);
  }
  return withFacts(plan, { pipelines, previews } satisfies Facts);
}

/** Null where the controller has no such windows, as of a pipeline that gets its schedule only now. */
async function previewOf({ pipeline, range, rerun, order }: BackfillChange, client: Client) {
  try {
    const { total, kept } = await client.previewBackfill(pipeline, { ...range, rerun, order });
    return { windows: total, kept };
  } catch (error) {
    if ((error as { status?: number | null }).status !== 400) throw error;
    return null;
  }
}
