import type { PipelineFacts } from '../../schemas/generated/types.ts';
import type { BackfillChange, EndedBackfill, PipelineChange, Plan, Warning } from './plan.ts';

/** What a controller has answered. */
export type Facts = {
  /** By name; those that it does not know are not there. */
  readonly pipelines: ReadonlyMap<string, PipelineFacts>;
  /** Of new Backfills, by name: how many of their windows would run, and how many stay as they are. */
  readonly previews: ReadonlyMap<string, { readonly windows: number; readonly kept: number }>;
};

/** Names that a plan would like to know facts of. */
export function askedPipelines({ pipelines, backfills, endedBackfills }: Plan): string[] {
  const changed = pipelines.filter(({ kind }) => kind === 'changed' || kind === 'retired').map(({ name }) => name);
  const others = [...backfills, ...endedBackfills].map(({ pipeline }) => pipeline);
  return [...new Set([...changed, ...others])].sort();
}

/** The plan with what only the ledger knows. Pure. */
export function withFacts(plan: Plan, facts: Facts): Plan {
  return {
    ...plan,
    pipelines: plan.pipelines.map((change) => pipelineWith(change, plan.endedBackfills, facts)),
    backfills: plan.backfills.map((backfill) => backfillWith(backfill, facts)),
  };
}

function pipelineWith(change: PipelineChange, ended: readonly EndedBackfill[], { pipelines }: Facts): PipelineChange {
  const facts = pipelines.get(change.name);
  if (!facts || change.kind === 'broken' || change.kind === 'added') return change;
  const broken = facts.backfills.flatMap((backfill) => whatBreaks(backfill, change, ended));
  const warnings = broken.map((message): Warning => ({ kind: 'backfill', message }));
  return { ...change, facts, warnings: [...change.warnings, ...warnings] };
}

type Running = PipelineFacts['backfills'][number];

/** Windows of a backfill keep their bounds, and those to come run on the version of their moment. */
function whatBreaks(
  { name, version, waiting, succeeded }: Running,
  change: PipelineChange,
  ended: readonly EndedBackfill[],
): string[] {
  if (waiting === 0) return [];
  const left = `${waiting} of its windows`;
  const backfill = `backfill "${name}"`;
  if (change.kind === 'retired') return [`${backfill} ends with the pipeline: ${left} are never run`];
  if (ended.some((each) => each.name === name)) return [`${backfill} is taken out while it runs: ${left} are not run`];
  return [
    ...(change.turnsStale && version === 'head' && succeeded > 0
      ? [
          `${backfill} is half done: ${succeeded} of its windows were made by the version before, and ${waiting} will be by the new one`,
        ]
      : []),
    ...(change.fields.some(({ path }) => /^schedule\.(every|cron|timeZone|anchor|blackoutDates|gap|overlap)/.test(path))
      ? [`${backfill} goes on with windows of the old schedule: ${left} are still to run`]
      : []),
  ];
}

function backfillWith(backfill: BackfillChange, { pipelines, previews }: Facts): BackfillChange {
  const preview = previews.get(backfill.name);
  const meanDurationMs = pipelines.get(backfill.pipeline)?.meanDurationMs ?? null;
  return preview ? { ...backfill, facts: { ...preview, meanDurationMs } } : backfill;
}
