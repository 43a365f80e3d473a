import type { Logger } from 'pino';
import type { Kind, Kubernetes } from '../../kubernetes/client.ts';
import { isOrphan, makesNoMorePods, removePod, tellToEnd } from './end.ts';
import { type Job, jobKind, type Pod, podKind } from './kinds.ts';
import { attemptOf, selectors } from './labels.ts';

/** Another replica may have launched an attempt after the list of the live ones was read. */
const youngMs = 300_000;

/** Ends Jobs of settled attempts, and pods that a Job left behind. */
export async function sweep(
  liveIds: readonly string[],
  options: {
    kubernetes: Kubernetes;
    namespaces: readonly string[];
    ledgerId: string;
    log: Logger;
    youngMs?: number;
  },
): Promise<void> {
  const { kubernetes, namespaces, ledgerId, log } = options;
  const live = new Set(liveIds);
  const labels = selectors.ledger(ledgerId);
  const all = async (kind: Kind) =>
    (await Promise.all(namespaces.map((namespace) => kubernetes.list(kind, { namespace, labels })))).flat();
  const isOver = (one: Job | Pod) => {
    const age = Date.now() - Date.parse(one.metadata.creationTimestamp ?? '');
    return !live.has(attemptOf(one) ?? '') && age > (options.youngMs ?? youngMs);
  };
  for (const job of ((await all(jobKind)) as Job[]).filter(isOver)) {
    if (makesNoMorePods(job)) continue;
    log.warn({ job: job.metadata.name }, 'ending a Job whose attempt is settled');
    await tellToEnd(job, 'fence', options);
  }
  for (const pod of ((await all(podKind)) as Pod[]).filter(isOver)) {
    if (!isOrphan(pod)) continue;
    log.warn({ pod: pod.metadata.name }, 'deleting a pod whose Job is gone');
    await removePod(pod, kubernetes);
  }
}
