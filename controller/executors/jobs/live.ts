import type { Kubernetes } from '../../kubernetes/client.ts';
import type { Sight } from './judge.ts';
import { type Job, jobKind, type Pod, podKind } from './kinds.ts';
import { attemptOf, selectors } from './labels.ts';

/** An attempt as the API server has it at this moment. */
export type Look = (attemptId: string) => Promise<Sight>;

export function createLook(options: { kubernetes: Kubernetes; namespace: string; ledgerId: string }): Look {
  const { kubernetes, namespace, ledgerId } = options;
  return async (attemptId) => {
    const where = { namespace, labels: selectors.attempt(ledgerId, attemptId) };
    // One after the other: pods that are read after a Job which makes no more of them are all there will ever be.
    const jobs = (await kubernetes.list(jobKind, where)).filter((job) => attemptOf(job) === attemptId);
    const pods = (await kubernetes.list(podKind, where)).filter((pod) => attemptOf(pod) === attemptId);
    return { job: (jobs[0] as Job | undefined) ?? null, pods: pods as Pod[] };
  };
}
