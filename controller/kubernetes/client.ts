import type { Logger } from 'pino';
import { type CallCount, createCounter } from './counter.ts';
import { loadConfig } from './kubeconfig.ts';
import { createTokenBucket } from './limit.ts';
import { listPages } from './list.ts';
import { pathOf } from './paths.ts';
import { createRequest } from './request.ts';
import { createTransport } from './transport.ts';
import { watchResources } from './watch.ts';
import { createWrites } from './writes.ts';

export type Metadata = {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  /** RFC 3339, UTC. */
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
  readonly [key: string]: unknown;
};

export type OwnerReference = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
};

/** Any object of the API, as JSON. */
export type Resource = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly spec?: unknown;
  readonly status?: unknown;
  readonly [key: string]: unknown;
};

/** For example `{ apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs' }`. */
export type Kind = { readonly apiVersion: string; readonly kind: string; readonly plural: string };

export type Key = { readonly namespace?: string; readonly name: string };

/**
 * Without a namespace: all of them. `labels` and `fields` are selectors such as `a=b,c`. With `metadataOnly` the server
 * leaves the rest out, which matters where it is large.
 */
export type Where = {
  readonly namespace?: string;
  readonly labels?: string;
  readonly fields?: string;
  readonly metadataOnly?: boolean;
};

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED';

export type WatchListener = {
  /** What is to be kept of an object of a list until all of the list is there: whole ones of thousands would fill the memory. */
  slim?(one: Resource): Resource;
  /** All that is there; called first, and again after every gap in the watch. What it does not name is gone. */
  list(all: Resource[]): void;
  change(type: ChangeType, one: Resource): void;
};

/**
 * The API server. Every call waits for its turn under the rate limit, has a time limit, and throws KubernetesError when the
 * server refuses it. Reads are tried again after a broken connection; writes are the caller's to repeat, by name.
 */
export interface Kubernetes {
  /** Null where there is none. */
  get(kind: Kind, key: Key, options?: { metadataOnly?: boolean }): Promise<Resource | null>;
  /** In pages of 500. */
  list(kind: Kind, where: Where): Promise<Resource[]>;
  /** `exists` when there is one of that name, whatever it says. */
  create(resource: Resource): Promise<'created' | 'exists'>;
  /** Server-side apply as field manager `pipewright`; takes fields over that somebody else holds. */
  apply(resource: Resource, options?: { subresource?: 'status' }): Promise<Resource>;
  /** A JSON merge patch; null where there is nothing to patch. */
  patch(kind: Kind, key: Key, mergePatch: object, options?: { subresource?: 'scale' }): Promise<Resource | null>;
  /** What is not there, or has another uid than the given one, is gone already: no error. */
  remove(
    kind: Kind,
    key: Key,
    options?: {
      uid?: string;
      /** Only while it is at this version; another one is no error either. */
      resourceVersion?: string;
      propagation?: 'Background' | 'Foreground';
      graceSeconds?: number;
    },
  ): Promise<void>;
  /** A container's log, as it comes; with `follow` until the container ends. */
  podLog(
    key: Key & { namespace: string },
    options: {
      container?: string;
      follow: boolean;
      /** Each line begins with the time at which its node wrote it, RFC 3339, and a space. */
      timestamps?: boolean;
      /** Without what was written before: RFC 3339, whole seconds. */
      since?: string;
      signal: AbortSignal;
    },
  ): AsyncIterable<string>;
  /**
   * Lists and watches until `signal` aborts, then resolves. Begins again after any error, with growing waits, and lists
   * afresh every ten minutes and when the server no longer has what was missed.
   */
  watch(kind: Kind, where: Where, on: WatchListener, signal: AbortSignal): Promise<void>;
  /** Calls that have no answer yet; without watches and logs that are followed. */
  pending(): number;
  /** What was sent since the start, by verb and plural. */
  calls(): CallCount[];
}

export type KubernetesOptions = {
  /** Path of a kubeconfig; else `KUBECONFIG`, the user's own, or the service account of the pod that this runs in. */
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly log: Logger;
  /** Calls a second in the long run; 500. */
  readonly qps?: number;
  /** Calls that may be made at once after a pause; 1,000. */
  readonly burst?: number;
};

export function createKubernetes(options: KubernetesOptions): Kubernetes {
  const { qps = 500, burst = 1_000, log } = options;
  const counter = createCounter();
  const transport = createTransport({
    request: createRequest(loadConfig(options)),
    bucket: createTokenBucket({ qps, burst }),
    count: counter.add,
  });

  return {
    async get(kind, key, { metadataOnly = false } = {}) {
      const path = pathOf(kind, key);
      const found = await transport.find({ verb: 'get', resource: kind.plural, method: 'GET', path, metadataOnly });
      // With metadata alone it says that it is metadata, and not of what.
      return found && { ...found, apiVersion: kind.apiVersion, kind: kind.kind };
    },
    list: async (kind, where) => (await listPages(transport, kind, where)).items,
    ...createWrites(transport),
    async *podLog(key, { container, follow, timestamps, since, signal }) {
      const body = await transport.open({
        verb: 'get',
        resource: 'pods/log',
        method: 'GET',
        path: pathOf({ apiVersion: 'v1', kind: 'Pod', plural: 'pods' }, key, 'log'),
        query: {
          ...(container === undefined ? {} : { container }),
          ...(follow ? { follow: 'true' } : {}),
          ...(timestamps ? { timestamps: 'true' } : {}),
          ...(since === undefined ? {} : { sinceTime: since }),
        },
        signal,
      });
      body.setEncoding('utf8');
      for await (const chunk of body) yield chunk as string;
    },
    watch: (kind, where, on, signal) => watchResources({ transport, kind, where, on, signal, log }),
    pending: transport.pending,
    calls: counter.read,
  };
}
