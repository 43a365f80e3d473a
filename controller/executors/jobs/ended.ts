import type { Reason } from '../../../schemas/generated/types.ts';
import type { Condition, Job, Pod } from './kinds.ts';
import { endedAnnotation } from './labels.ts';

export type HowEnded = { readonly detail: string; readonly reason: Reason | null };

/**
 * Why a Job has ended whose runner said nothing: the pod's own words before the Job's, which only counts failures. `reason` is
 * null where nobody knows more than that it ended.
 */
export function howItEnded(job: Job, end: Condition, pod: Pod | null): HowEnded {
  if (job.metadata.annotations?.[endedAnnotation] !== undefined) {
    return { detail: 'it was told to end', reason: null };
  }
  const status = pod?.status;
  const ended = status?.containerStatuses?.map(({ state }) => state?.terminated).find((one) => one !== undefined);
  if (ended?.reason === 'OOMKilled') {
    return { detail: 'its container was killed because it used more memory than its limit', reason: 'OutOfMemory' };
  }
  if (status?.reason === 'Evicted') {
    return { detail: `its pod was evicted: ${status.message ?? 'nobody said why'}`, reason: 'Evicted' };
  }
  if (status?.reason === 'NodeLost' || disruption(pod) === 'DeletionByPodGC') {
    return { detail: 'the node of its pod is gone', reason: 'NodeLost' };
  }
  if (end.reason === 'DeadlineExceeded') {
    return { detail: 'its Job took longer than its deadline and was ended', reason: 'TimedOut' };
  }
  if (ended) return { detail: `its container ended without a report (exit code ${ended.exitCode})`, reason: null };
  if (end.type === 'Complete') return { detail: 'its Job is complete, but there is no report', reason: null };
  return { detail: `its pod is gone without a report (${end.message ?? end.reason ?? 'deleted'})`, reason: null };
}

function disruption(pod: Pod | null): string | undefined {
  const one = pod?.status?.conditions?.find(({ type, status }) => type === 'DisruptionTarget' && status === 'True');
  return one?.reason;
}
