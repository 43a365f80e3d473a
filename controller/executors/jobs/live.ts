import type { Kind, Kubernetes } from '../../kubernetes/client.ts';
import type { Sight } from './judge.ts';
import { type Job, jobKind, type Pod, podKind } from './kinds.ts';
import { attemptOf, selectors } from './labels.ts';

/** An attempt as the API server has it at this moment. */
export type Look = (attemptId: string) => Promise<Sight>;

export function createLook(options: {
  kubernetes: Kubernetes;
  /** Where the attempt may be. */
  namespacesOf: (attemptId: string) => readonly string[];
  ledgerId: string;
}): Look {
  const { kubernetes, namespacesOf, ledgerId } = options;
  return async (attemptId) => {
    const labels = selectors.attempt(ledgerId, attemptId);
    const all = async (kind: Kind) => {
      const found = await Promise.all(
        namespacesOf(attemptId).map((namespace) => kubernetes.list(kind, { namespace, labels })),
      );
      return found.flat().filter((one) => attemptOf(one) === attemptId);
    };
    // One after the other: pods that are read after a Job which makes no more of them are all there will ever be.
    const jobs = await all(jobKind);
    const pods = await all(podKind);
    return { job: (jobs[0] as Job | undefined) ?? null, pods: pods as Pod[] };
  };
}
