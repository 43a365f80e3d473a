import { jobKind } from '../../../controller/executors/jobs/kinds.ts';
import { attemptOf } from '../../../controller/executors/jobs/labels.ts';
import type { Kubernetes, Resource } from '../../../controller/kubernetes/client.ts';

/**
 * Every Job that ever was, by attempt: two for one attempt show even if the first one is gone. A Job without pods that takes the
 * name of a deleted one, so that nobody can make that again, is none.
 */
export function recordJobs(options: { kubernetes: Kubernetes; namespace: string; signal: AbortSignal }) {
  const { kubernetes, namespace, signal } = options;
  const made = new Map<string, Set<string>>();
  function see(job: Resource): void {
    if ((job.spec as { parallelism?: number }).parallelism === 0) return;
    const attempt = attemptOf(job) ?? '';
    const uids = made.get(attempt) ?? new Set();
    made.set(attempt, uids.add(job.metadata.uid ?? ''));
  }
  const listener = {
    list: (all: Resource[]) => all.forEach(see),
    change: (_type: string, job: Resource) => see(job),
  };
  void kubernetes.watch(jobKind, { namespace }, listener, signal);
  return { madeFor: (attempt: string) => made.get(attempt)?.size ?? 0 };
}
