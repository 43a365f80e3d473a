import type { PipelineList, PipelineSummary } from '../../schemas/generated/types.ts';
import type { PipelineReading, PipelineReadings } from '../store/reads-pipelines.ts';
import { quietSince } from '../windows/quiet.ts';

type Quiet = NonNullable<PipelineSummary['quiet']>;

/** The list of pipelines, where those that have gone quiet say so, and what keeps them. */
export function pipelineList({ pipelines, problems }: PipelineReadings): PipelineList {
  return {
    pipelines: pipelines.map(({ summary, schedule, wanted }) => ({
      ...summary,
      quiet: quietOf(summary, schedule, wanted),
    })),
    problems,
  };
}

function quietOf(
  summary: PipelineReading['summary'],
  schedule: PipelineReading['schedule'],
  wanted: PipelineReading['wanted'],
): Quiet | null {
  if (!schedule || !wanted) return null;
  const since = sinceWhen({ schedule, ...wanted });
  return since && { since: since.toISOString(), ...whatKeeps(summary, wanted) };
}

/** A schedule that cannot be computed is wanting since it failed. */
function sinceWhen(
  input: Parameters<typeof quietSince>[0] & Pick<NonNullable<PipelineReading['wanted']>, 'failedAt'>,
): Date | null {
  if (input.failedAt) return input.failedAt;
  try {
    return quietSince(input);
  } catch {
    // `schedule` meets the same failure and tells it.
    return null;
  }
}

function whatKeeps(
  { suspended, activeRuns, queuedRuns }: PipelineReading['summary'],
  { failure, awaits, lastRun }: NonNullable<PipelineReading['wanted']>,
): Pick<Quiet, 'why' | 'message'> {
  if (failure !== null) return { why: 'ScheduleFailed', message: `its windows cannot be computed: ${failure}` };
  if (suspended) return { why: 'Suspended', message: 'it is suspended' };
  if (lastRun && (lastRun.phase === 'Failed' || lastRun.phase === 'Cancelled')) {
    const reason = lastRun.reason === null ? '' : ` (${lastRun.reason})`;
    return { why: 'Failing', message: `its last run, ${lastRun.name}, is ${lastRun.phase}${reason}` };
  }
  if (activeRuns > 0) return { why: 'Busy', message: `it is busy: ${activeRuns} running, ${queuedRuns} queued` };
  if (queuedRuns > 0) return { why: 'Busy', message: `${queuedRuns} queued and none running` };
  if (awaits) return { why: 'Busy', message: 'missed windows await their turn' };
  return { why: 'PassedOver', message: 'its windows were passed over; `pipewright windows` says why' };
}
