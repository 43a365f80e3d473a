import type { CompiledPipeline } from '../../schemas/generated/types.ts';
import type { CompiledBackfill } from '../manifests/check-backfill.ts';
import { backfillDefaults, longestBackfill } from '../windows/backfill.ts';
import { parseBounds, windowsOfSpan } from '../windows/span.ts';
import type { BackfillChange, EndedBackfill } from './plan.ts';

type Side = { readonly pipelines: readonly CompiledPipeline[]; readonly backfills: readonly CompiledBackfill[] };

/** Backfills that are new, or run again because what they ask for has changed. What has run already only the ledger knows. */
export function backfillChanges(base: Side, head: Side, now: Date): BackfillChange[] {
  const known = new Set(base.backfills.map(({ name, digest }) => `${name} ${digest}`));
  const pipelines = new Map(head.pipelines.map((pipeline) => [pipeline.name, pipeline]));
  return head.backfills
    .filter(({ name, digest }) => !known.has(`${name} ${digest}`))
    .flatMap((backfill) => {
      const pipeline = pipelines.get(backfill.spec.pipeline);
      return pipeline ? [describe(backfill, pipeline, now)] : [];
    });
}

/** Backfills that are no longer there as they were: sync cancels what is left of them. */
export function endedBackfills(base: Side, head: Side): EndedBackfill[] {
  const kept = new Set(head.backfills.map(({ name, digest }) => `${name} ${digest}`));
  return base.backfills
    .filter(({ name, digest }) => !kept.has(`${name} ${digest}`))
    .map(({ name, spec }) => ({ name, pipeline: spec.pipeline }));
}

function describe({ name, spec }: CompiledBackfill, pipeline: CompiledPipeline, now: Date): BackfillChange {
  const { rerun = backfillDefaults.rerun, order = backfillDefaults.order } = spec;
  const labels = labelsOf(spec, pipeline, now);
  const inOrder = order === 'newest' ? labels.toReversed() : labels;
  return {
    name,
    pipeline: pipeline.name,
    windows: labels.length,
    first: inOrder[0] ?? null,
    last: inOrder.at(-1) ?? null,
    rerun,
    order,
    range: { from: spec.from, to: spec.to },
    maxActiveRuns: spec.maxActiveRuns ?? pipeline.maxActiveRuns,
  };
}

/** Of the windows that have closed by now, oldest first. */
function labelsOf(spec: CompiledBackfill['spec'], { schedule }: CompiledPipeline, now: Date): string[] {
  if (!schedule) return [];
  const bounds = parseBounds(spec, schedule.calendar.timeZone);
  if ('error' in bounds) return [];
  const calendars = [{ id: 0, spec: schedule.calendar, beginsAt: null }];
  const until = Math.min(bounds.to.getTime(), now.getTime());
  return windowsOfSpan({ calendars, schedule, ...bounds, limit: longestBackfill })
    .filter(({ end }) => end.getTime() <= until)
    .map(({ label }) => label);
}
