import { setTimeout as delay } from 'node:timers/promises';
import type { Kubernetes } from '../../kubernetes/client.ts';
import { containerName } from './job.ts';
import { judge } from './judge.ts';
import type { Pod } from './kinds.ts';
import type { Look } from './live.ts';

const lookMs = 1_000;

export type LogOptions = {
  readonly kubernetes: Kubernetes;
  readonly namespace: string;
  readonly look: Look;
  /** How long an attempt that has no Job yet is waited for, in ms. */
  readonly patienceMs: number;
};

/** The logs of the attempt's pods, one after the other. Nothing is said twice after a broken connection. */
export async function* logs(
  attemptId: string,
  { follow, signal }: { follow: boolean; signal: AbortSignal },
  options: LogOptions,
): AsyncGenerator<string> {
  const { kubernetes, namespace, look } = options;
  const said = new Map<string, number>();
  const done = new Set<string>();
  const deadline = performance.now() + options.patienceMs;
  while (!signal.aborted) {
    const { job, pods } = await look(attemptId);
    for (const pod of inOrder(pods)) {
      const { name } = pod.metadata;
      if (done.has(name) || !hasLog(pod)) continue;
      const text = kubernetes.podLog({ namespace, name }, { container: containerName, follow, signal });
      yield* onlyNew(text, name, said, signal);
      if (hasEndedContainer(pod)) done.add(name);
    }
    const isOver = job ? isFinished(job, pods) : performance.now() > deadline;
    if (!follow || isOver) return;
    await delay(lookMs, undefined, { signal }).catch(() => {});
  }
}

async function* onlyNew(
  text: AsyncIterable<string>,
  pod: string,
  said: Map<string, number>,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let at = 0;
  try {
    for await (const chunk of text) {
      const before = said.get(pod) ?? 0;
      at += chunk.length;
      if (at <= before) continue;
      said.set(pod, at);
      yield chunk.slice(chunk.length - (at - before));
    }
  } catch (error) {
    // The pod was removed meanwhile, or the connection broke; the next look tells which.
    if (!signal.aborted && at === 0 && !said.has(pod)) throw error;
  }
}

function inOrder(pods: readonly Pod[]): Pod[] {
  const born = ({ metadata }: Pod) => Date.parse(metadata.creationTimestamp ?? '') || 0;
  return [...pods].sort((a, b) => born(a) - born(b));
}

/** A container that waits has no log yet: asking for it is an error. */
function hasLog(pod: Pod): boolean {
  return pod.status?.containerStatuses?.some(({ state }) => state?.running || state?.terminated) ?? false;
}

function hasEndedContainer(pod: Pod): boolean {
  return pod.status?.containerStatuses?.every(({ state }) => state?.terminated) ?? false;
}

function isFinished(job: Parameters<typeof judge>[0]['job'], pods: readonly Pod[]): boolean {
  const never = Number.POSITIVE_INFINITY;
  return judge({ job, pods }, { now: Date.now(), pendingMs: never, lostNodeMs: never, refusal: null }).state === 'gone';
}
