import type { Reason } from '../../../schemas/generated/types.ts';
import type { Condition, Job, Pod, Terminated } from './kinds.ts';
import { containerAnnotation, endedAnnotation } from './labels.ts';
import { lastLines, terminatedOf } from './message.ts';

export type HowEnded = { readonly detail: string; readonly reason: Reason | null };

/** The condition that says that a Job is over; undefined while it goes on. */
export function endOf({ status }: Job): Condition | undefined {
  return status?.conditions?.find((one) => (one.type === 'Complete' || one.type === 'Failed') && one.status === 'True');
}

/**
 * Why a Job has ended whose runner said nothing: the pod's own words before the Job's, which only counts failures. `reason` is
 * null where nobody knows more than that it ended.
 */
export function howItEnded(job: Job, end: Condition, pod: Pod | null): HowEnded {
  if (job.metadata.annotations?.[endedAnnotation] !== undefined) {
    return { detail: 'it was told to end', reason: null };
  }
  const status = pod?.status;
  const ended = pod ? terminatedOf(pod) : undefined;
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
  if (status?.reason === 'DeadlineExceeded') {
    return { detail: 'it took longer than its timeout and was ended by its node', reason: 'TimedOut' };
  }
  if (pod && ended && wasDeletedBefore(pod, ended)) return { detail: 'its pod was deleted', reason: null };
  if (ended && job.metadata.annotations?.[containerAnnotation] !== undefined) {
    return { detail: exitOf(ended), reason: 'ContainerFailed' };
  }
  if (ended) return { detail: `its container ended without a report (exit code ${ended.exitCode})`, reason: null };
  if (end.type === 'Complete') return { detail: 'its Job is complete, but there is no report', reason: null };
  return { detail: `its pod is gone without a report (${end.message ?? end.reason ?? 'deleted'})`, reason: null };
}

/** Whether it was told to end by whoever deleted its pod: then its exit code says nothing about its work. */
function wasDeletedBefore({ metadata }: Pod, { finishedAt }: Terminated): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds: graceSeconds } = metadata;
  if (typeof deletionTimestamp !== 'string') return false;
  const deletedAt = Date.parse(deletionTimestamp) - (typeof graceSeconds === 'number' ? graceSeconds : 0) * 1_000;
  return Date.parse(finishedAt ?? '') >= deletedAt;
}

/** Why a container of somebody's image ended: its exit code, and what it said last. */
function exitOf({ exitCode, reason, message }: Terminated): string {
  const how = reason === undefined || reason === 'Error' ? `exit code ${exitCode}` : `exit code ${exitCode}, ${reason}`;
  const last = lastLines(message ?? '');
  return `the container ended with ${how}${last === '' ? '' : `; its last words: ${last}`}`;
}

function disruption(pod: Pod | null): string | undefined {
  const one = pod?.status?.conditions?.find(({ type, status }) => type === 'DisruptionTarget' && status === 'True');
  return one?.reason;
}
