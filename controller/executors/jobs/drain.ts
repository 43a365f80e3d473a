import { setTimeout as delay } from 'node:timers/promises';
import type { Kubernetes } from '../../kubernetes/client.ts';
import { isOrphan, makesNoMorePods, removePod, tellToEnd } from './end.ts';
import { hasEnded } from './judge.ts';
import { type Job, jobKind, type Pod, podKind } from './kinds.ts';
import { selectors } from './labels.ts';

export type DrainOptions = {
  readonly kubernetes: Kubernetes;
  readonly namespaces: readonly string[];
  /** Asked only where something works: a release whose store never came up can be drained as well. */
  readonly ledgerId: () => Promise<string>;
  /** How long pods may take to end, in ms. */
  readonly patienceMs: number;
};

const lookMs = 500;

type Working = { readonly jobs: readonly Job[]; readonly pods: readonly Pod[] };

/**
 * Ends every Job of a ledger, and returns how many those were once none of their pods works. The Jobs stay, finished: a controller
 * of the same ledger finds in them what became of its attempts. Throws a sentence that names the pods which do not end.
 */
export async function drain(options: DrainOptions): Promise<number> {
  const { kubernetes, namespaces, patienceMs } = options;
  const look = (labels: string) => findWorking(kubernetes, namespaces, labels);
  if (isDone(await look(selectors.ledgers))) return 0;
  const mine = selectors.ledger(await options.ledgerId());
  const told = new Set<string>();
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const working = await look(mine);
    if (isDone(working)) return told.size;
    if (performance.now() > deadline) throw new Error(tellWhatIsLeft(working, patienceMs));
    for (const job of working.jobs) {
      const { name, namespace } = job.metadata;
      await tellToEnd(job, 'drain', { kubernetes });
      told.add(`${namespace}/${name}`);
    }
    for (const pod of working.pods.filter(isOrphan)) await removePod(pod, kubernetes);
    await delay(lookMs);
  }
}

async function findWorking(kubernetes: Kubernetes, namespaces: readonly string[], labels: string): Promise<Working> {
  const jobs: Job[] = [];
  const pods: Pod[] = [];
  for (const namespace of namespaces) {
    // One after the other: pods that are read after a Job which makes no more of them are all there will ever be.
    jobs.push(...((await kubernetes.list(jobKind, { namespace, labels })) as Job[]));
    pods.push(...((await kubernetes.list(podKind, { namespace, labels })) as Pod[]));
  }
  return { jobs: jobs.filter((job) => !makesNoMorePods(job)), pods: pods.filter((pod) => !hasEnded(pod)) };
}

function isDone({ jobs, pods }: Working): boolean {
  return jobs.length === 0 && pods.length === 0;
}

function tellWhatIsLeft({ jobs, pods }: Working, patienceMs: number): string {
  const all = [...jobs.map((job) => ['Job', job] as const), ...pods.map((pod) => ['pod', pod] as const)];
  const names = all.map(([word, { metadata }]) => `${word} ${metadata.namespace}/${metadata.name}`);
  const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
  return `${names.slice(0, 5).join(', ')}${more}: not ended within ${patienceMs / 1_000} s of being told to; look at their node, or uninstall with --no-hooks`;
}
