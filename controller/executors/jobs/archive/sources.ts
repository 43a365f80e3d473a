import type { ContainerStatus, Pod } from '../kinds.ts';

/** A container of a pod, as what writes a part of an attempt's log. */
export type Source = {
  /** `<pod>/<container>` */
  readonly name: string;
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** `waiting`: it has no log, and asking for one is an error. */
  readonly state: 'waiting' | 'running' | 'ended';
  /** Ms since 1970. */
  readonly startedAt: number;
  /** Its pod is being deleted, and the log with it. */
  readonly isLeaving: boolean;
};

/** In the order in which they write: pods follow one another, and so do the containers of a pod. */
export function sourcesOf(pods: readonly Pod[]): Source[] {
  const born = ({ metadata }: Pod) => Date.parse(metadata.creationTimestamp ?? '') || 0;
  return [...pods]
    .sort((a, b) => born(a) - born(b))
    .flatMap((pod) => {
      const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
      return [...initContainerStatuses, ...containerStatuses].map((status) => sourceOf(pod, status));
    });
}

function sourceOf({ metadata, status }: Pod, { name: container, state }: ContainerStatus): Source {
  const hasEnded = status?.phase === 'Succeeded' || status?.phase === 'Failed';
  return {
    name: `${metadata.name}/${container}`,
    namespace: metadata.namespace ?? '',
    pod: metadata.name,
    container,
    // A node that is lost never says that its containers have ended.
    state: state?.terminated || (state?.running && hasEnded) ? 'ended' : state?.running ? 'running' : 'waiting',
    startedAt: Date.parse(state?.running?.startedAt ?? '') || 0,
    isLeaving: metadata.deletionTimestamp !== undefined,
  };
}
