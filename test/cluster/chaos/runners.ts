import { setTimeout as delay } from 'node:timers/promises';
import { podKind } from '../../../controller/executors/jobs/kinds.ts';
import type { Kubernetes, Resource } from '../../../controller/kubernetes/client.ts';
import type { TaskOrder } from '../../../schemas/generated/types.ts';
import { makeReport } from '../../support/report.ts';

type Variable = { readonly name: string; readonly value?: string };

/**
 * In the place of a node: every pod in a namespace reports that it has succeeded, and has then. Pods for which `holds` is true run on.
 * Goes on until `signal` aborts, whatever becomes of the controllers.
 */
export async function playRunners(options: {
  kubernetes: Kubernetes;
  namespace: string;
  holds: (pod: Resource) => boolean;
  signal: AbortSignal;
}): Promise<void> {
  const { kubernetes, namespace, holds, signal } = options;
  await kubernetes.create({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'nobody' } });
  while (!signal.aborted) {
    const pods = await kubernetes.list(podKind, { namespace }).catch(() => []);
    await Promise.all(pods.map((pod) => play(pod).catch(() => {})));
    await delay(100, undefined, { signal }).catch(() => {});
  }

  async function play(pod: Resource): Promise<void> {
    const { name, deletionTimestamp, uid } = pod.metadata;
    const { phase } = pod.status as { phase: string };
    if (phase === 'Succeeded' || phase === 'Failed') return;
    if (deletionTimestamp !== undefined)
      return kubernetes.remove(podKind, { namespace, name }, { graceSeconds: 0, ...(uid && { uid }) });
    if (phase === 'Pending') await begin(name);
    else if (!holds(pod) && (await report(pod))) await say(name, { phase: 'Succeeded' });
  }

  async function begin(name: string): Promise<void> {
    const target = { apiVersion: 'v1', kind: 'Node', name: 'nobody' };
    await kubernetes.create({ apiVersion: 'v1', kind: 'Binding', metadata: { name, namespace }, target });
    await say(name, { phase: 'Running' });
  }

  async function say(name: string, status: object): Promise<void> {
    await kubernetes.apply(
      { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, status },
      { subresource: 'status' },
    );
  }
}

/** As a runner does, with what its pod was given. False while no controller takes it. */
export async function report({ spec }: Resource): Promise<boolean> {
  const [container] = (spec as { containers: { env: Variable[] }[] }).containers;
  const read = (wanted: string) => container?.env.find(({ name }) => name === wanted)?.value ?? '';
  const { attemptId } = JSON.parse(read('PIPEWRIGHT_ORDER')) as TaskOrder;
  const answer = await fetch(read('PIPEWRIGHT_REPORT_URL'), {
    method: 'POST',
    headers: { authorization: `Bearer ${read('PIPEWRIGHT_REPORT_TOKEN')}`, 'content-type': 'application/json' },
    body: JSON.stringify(makeReport({ attemptId })),
  });
  return answer.status < 500;
}
