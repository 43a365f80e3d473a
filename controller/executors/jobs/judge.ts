import type { Reason } from '../../../schemas/generated/types.ts';
import { endOf, howItEnded } from './ended.ts';
import type { Job, Pod } from './kinds.ts';
import { type Pending, whyPending } from './pending.ts';

/** All that is known of an attempt at a moment. */
export type Sight = { readonly job: Job | null; readonly pods: readonly Pod[] };

export type Verdict =
  /** `pending`: why no container of it runs; null when one does, or there is nothing to say yet. */
  | { readonly state: 'running'; readonly pending: Pending | null }
  | { readonly state: 'gone'; readonly detail: string; readonly reason: Reason | null };

export type JudgeOptions = {
  /** The time now, in ms since 1970. */
  readonly now: number;
  readonly pendingMs: number;
  /** How long a pod may be on its way out after its grace, in ms: its node no longer answers then. */
  readonly lostNodeMs: number;
  /** What is known from elsewhere of why the Job gets no pod. */
  readonly refusal: string | null;
};

/** What became of an attempt that has not reported. Pure. */
export function judge({ job, pods }: Sight, options: JudgeOptions): Verdict {
  if (job === null || job.metadata.deletionTimestamp !== undefined) {
    return gone('its Job was deleted, and not by the controller; leave that to `cancel`', 'JobDeleted');
  }
  const pod = newest(pods);
  const end = endOf(job);
  if (end) return { state: 'gone', ...howItEnded(job, end, pod) };
  if (pod && isOnLostNode(pod, options)) {
    return gone(`the node ${pod.spec?.nodeName ?? ''} of its pod no longer answers`, 'NodeLost');
  }
  const pending = whyPending(pod, options.refusal);
  const since = Date.parse((pod ?? job).metadata.creationTimestamp ?? '');
  if (!hasStarted(pod) && options.now - since > options.pendingMs) {
    const minutes = Math.round(options.pendingMs / 60_000);
    return gone(
      `its pod did not start within ${minutes} min${pending ? `: ${pending.message}` : ''}`,
      pending?.reason ?? 'PodNotStarted',
    );
  }
  return { state: 'running', pending };
}

export function newest(pods: readonly Pod[]): Pod | null {
  const born = (pod: Pod) => Date.parse(pod.metadata.creationTimestamp ?? '') || 0;
  return pods.reduce<Pod | null>((best, pod) => (best && born(best) >= born(pod) ? best : pod), null);
}

/** Whether no container of the pod runs or can still begin. */
export function hasEnded(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** A pod is deleted by its kubelet's word. When that does not come long after the grace, nobody is there to give it. */
export function isOnLostNode(pod: Pod, { now, lostNodeMs }: Pick<JudgeOptions, 'now' | 'lostNodeMs'>): boolean {
  const { deletionTimestamp } = pod.metadata;
  return deletionTimestamp !== undefined && !hasEnded(pod) && now - Date.parse(deletionTimestamp) > lostNodeMs;
}

function hasStarted(pod: Pod | null): boolean {
  return pod !== null && pod.status?.phase !== undefined && pod.status.phase !== 'Pending';
}

function gone(detail: string, reason: Reason): Verdict {
  return { state: 'gone', detail, reason };
}
