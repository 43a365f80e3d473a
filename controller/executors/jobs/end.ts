import { setTimeout as delay } from 'node:timers/promises';
import type { Kubernetes, Resource } from '../../kubernetes/client.ts';
import { KubernetesError } from '../../kubernetes/errors.ts';
import { makeTombstone } from './job.ts';
import { hasEnded, isOnLostNode, type Sight } from './judge.ts';
import { type Job, jobKind, type Pod, podKind } from './kinds.ts';
import { endedAnnotation } from './labels.ts';
import type { Launched } from './launch.ts';
import type { Look } from './live.ts';
import type { JobSettings } from './settings.ts';

export type EndOptions = {
  readonly kubernetes: Kubernetes;
  readonly settings: JobSettings;
  readonly launched: Launched;
  readonly look: Look;
  readonly lostNodeMs: number;
  /** How long a fence may wait for pods to end, in ms. */
  readonly fenceMs: number;
};

const firstLookMs = 100;
const longestLookMs = 1_000;

/**
 * Tells a Job to end: its deadline is over at once, so the Job controller deletes its pods (SIGTERM, the pod's grace, SIGKILL)
 * and makes no more. The Job is not deleted: it keeps its name taken, so whoever launches the attempt late finds it ended.
 */
export async function tellToEnd(
  job: Job,
  by: 'stop' | 'fence' | 'drain',
  { kubernetes }: { kubernetes: Kubernetes },
): Promise<void> {
  if (makesNoMorePods(job) || job.metadata.annotations?.[endedAnnotation] !== undefined) return;
  const { uid } = job.metadata;
  await kubernetes.patch(
    jobKind,
    job.metadata,
    // The uid makes the patch one of this very Job.
    { metadata: { uid, annotations: { [endedAnnotation]: by } }, spec: { activeDeadlineSeconds: 0, suspend: false } },
  );
}

/** Returns the last sight of the attempt when none of its pods runs any more and none can follow. */
export async function end(attemptId: string, options: EndOptions): Promise<Sight> {
  const deadline = performance.now() + options.fenceMs;
  for (let waitMs = firstLookMs; ; waitMs = Math.min(2 * waitMs, longestLookMs)) {
    const sight = await options.look(attemptId);
    const isClosed = await close(attemptId, sight, options);
    const alive = sight.pods.filter((pod) => !hasEnded(pod) && !wasGivenUp(pod));
    if (isClosed && alive.length === 0) return sight;
    for (const pod of alive) await kill(pod, options);
    if (performance.now() > deadline) {
      const left = alive.map(({ metadata }) => metadata.name).join(', ') || 'its Job';
      throw new Error(
        `attempt ${attemptId} has not ended within ${options.fenceMs / 1_000} s (${left}); it is told again`,
      );
    }
    await delay(waitMs);
  }
}

/** Whether no further pod of the attempt can come; brings that about where it is not so. */
async function close(attemptId: string, { job }: Sight, options: EndOptions): Promise<boolean> {
  if (job) {
    if (job.metadata.deletionTimestamp === undefined) await tellToEnd(job, 'fence', options);
    return makesNoMorePods(job);
  }
  const launched = options.launched.get(attemptId);
  // Without a Job and without its name nothing is known that could still make one.
  if (!launched) return true;
  return bar(launched, options);
}

/** Whether a tombstone was made; `exists` means that somebody was quicker, and the next look sees whose it is. */
async function bar(launched: Pick<Resource, 'metadata'>, { kubernetes, settings }: EndOptions): Promise<boolean> {
  try {
    return (await kubernetes.create(makeTombstone(launched, settings))) === 'created';
  } catch (error) {
    // Where no Job may be made at all (no such namespace, no right to), none can come late either.
    if (error instanceof KubernetesError && [403, 404, 422].includes(error.status)) return true;
    throw error;
  }
}

/** Whether the Job controller itself has said so: until then it may act on what it knew before. */
export function makesNoMorePods(job: Job): boolean {
  const last = ['FailureTarget', 'SuccessCriteriaMet', 'Failed', 'Complete'];
  return job.status?.conditions?.some(({ type, status }) => last.includes(type) && status === 'True') ?? false;
}

/** Whether a pod works without a Job that would end it: the Job controller ends the pods of a Job that is there. */
export function isOrphan(pod: Pod): boolean {
  const { ownerReferences, deletionTimestamp } = pod.metadata;
  return !hasEnded(pod) && deletionTimestamp === undefined && !ownerReferences?.length;
}

/** Deletes this very pod, whatever has its name by then. */
export async function removePod({ metadata }: Pod, kubernetes: Kubernetes): Promise<void> {
  await kubernetes.remove(podKind, metadata, metadata.uid ? { uid: metadata.uid } : {});
}

async function kill(pod: Pod, options: EndOptions): Promise<void> {
  const { kubernetes, lostNodeMs } = options;
  const { uid, deletionGracePeriodSeconds: grace } = pod.metadata;
  const isLost = isOnLostNode(pod, { now: Date.now(), lostNodeMs });
  // Nobody on a lost node can confirm an end. Should the runner live on there, its claim at the target has been overtaken.
  const graceSeconds = isLost ? 0 : 1;
  if (typeof grace === 'number' && grace <= graceSeconds) return;
  await kubernetes.remove(podKind, pod.metadata, { ...(uid ? { uid } : {}), graceSeconds });
}

/** A pod that was deleted without waiting for its node; only the Job controller's finalizer keeps it in sight. */
function wasGivenUp({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined && metadata.deletionGracePeriodSeconds === 0;
}
