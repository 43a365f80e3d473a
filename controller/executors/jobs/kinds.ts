import type { Kind, Resource } from '../../kubernetes/client.ts';

export const jobKind: Kind = { apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs' };
export const podKind: Kind = { apiVersion: 'v1', kind: 'Pod', plural: 'pods' };
export const configMapKind: Kind = { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps' };
export const eventKind: Kind = { apiVersion: 'v1', kind: 'Event', plural: 'events' };

export type Condition = {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
};

/** The fields of a Job that are looked at. */
export type Job = Resource & {
  readonly spec?: { readonly ttlSecondsAfterFinished?: number };
  readonly status?: { readonly conditions?: readonly Condition[] };
};

/** Instants are RFC 3339, UTC. */
export type Terminated = {
  readonly exitCode: number;
  readonly reason?: string;
  readonly message?: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
};

export type ContainerStatus = {
  readonly name: string;
  /** By digest; '' until the node has the image. */
  readonly imageID?: string;
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly running?: { readonly startedAt?: string };
    readonly terminated?: Terminated;
  };
};

/** The fields of a pod that are looked at. */
export type Pod = Resource & {
  readonly spec?: { readonly nodeName?: string };
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly conditions?: readonly Condition[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
};
