import type { Logger } from 'pino';
import type { Kubernetes } from '../../kubernetes/client.ts';
import { type EndOptions, makesNoMorePods, tellToEnd } from './end.ts';
import { hasEnded } from './judge.ts';
import { type Job, jobKind, type Pod, podKind } from './kinds.ts';
import { attemptOf, selectors } from './labels.ts';

/** Another replica may have launched an attempt after the list of the live ones was read. */
const youngMs = 300_000;

/** Ends Jobs of settled attempts, and pods that a Job left behind. */
export async function sweep(
  liveIds: readonly string[],
  options: EndOptions & { kubernetes: Kubernetes; ledgerId: string; log: Logger; youngMs?: number },
): Promise<void> {
  const { kubernetes, settings, ledgerId, log } = options;
  const live = new Set(liveIds);
  const where = { namespace: settings.namespace, labels: selectors.ledger(ledgerId) };
  const isOver = (one: Job | Pod) => {
    const age = Date.now() - Date.parse(one.metadata.creationTimestamp ?? '');
    return !live.has(attemptOf(one) ?? '') && age > (options.youngMs ?? youngMs);
  };
  for (const job of ((await kubernetes.list(jobKind, where)) as Job[]).filter(isOver)) {
    if (makesNoMorePods(job)) continue;
    log.warn({ job: job.metadata.name }, 'ending a Job whose attempt is settled');
    await tellToEnd(job, 'fence', options);
  }
  for (const pod of ((await kubernetes.list(podKind, where)) as Pod[]).filter(isOver)) {
    const { name, uid, ownerReferences, deletionTimestamp } = pod.metadata;
    if (hasEnded(pod) || deletionTimestamp !== undefined || ownerReferences?.length) continue;
    log.warn({ pod: name }, 'deleting a pod whose Job is gone');
    await kubernetes.remove(podKind, { namespace: settings.namespace, name }, uid ? { uid } : {});
  }
}
