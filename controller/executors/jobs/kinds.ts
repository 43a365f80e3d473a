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
};

/** The fields of a Job that are looked at. */
export type Job = Resource & { readonly status?: { readonly conditions?: readonly Condition[] } };

export type ContainerStatus = {
  readonly name: string;
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly running?: object;
    readonly terminated?: { readonly exitCode: number; readonly reason?: string; readonly message?: string };
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
    readonly containerStatuses?: readonly ContainerStatus[];
  };
};
