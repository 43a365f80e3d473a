import type { Kubernetes, Resource } from '../kubernetes/client.ts';
import { type Ask, askOf } from './asks.ts';
import { pipelineKind, runKind } from './kinds.ts';

export type Asking = { readonly ask: Ask; readonly resource: Resource };

/** Runs that have ended ask for nothing, and there are many of them. */
const notEnded = ['Succeeded', 'Failed', 'Cancelled', 'Skipped'].map((phase) => `status.phase!=${phase}`).join(',');

type Watched = {
  readonly kubernetes: Kubernetes;
  readonly namespace: string;
  readonly signal: AbortSignal;
  /** Something came in. */
  readonly onChange: () => void;
};

/**
 * What people have done to our objects and nobody has dealt with yet, by two watches. It holds only that: an object leaves it
 * when its status says that it has been seen to, so nothing needs to be taken out and a restart finds it all again.
 */
export function createClusterView(options: Watched) {
  const runs = watchRuns(options);
  const pipelines = watchPipelines(options);
  return {
    asking: runs.asking,
    changed: pipelines.changed,
    deleted: pipelines.deleted,
    restored: pipelines.restored,
    /** Resolves when the signal has aborted and the watches have ended. */
    ended: Promise.all([runs.ended, pipelines.ended]),
  };
}

export type ClusterView = ReturnType<typeof createClusterView>;

function watchRuns({ kubernetes, namespace, signal, onChange }: Watched) {
  const asking = new Map<string, Asking>();

  function see(resource: Resource): void {
    const ask = askOf(resource);
    if (!ask) asking.delete(resource.metadata.name);
    else {
      asking.set(resource.metadata.name, { ask, resource });
      onChange();
    }
  }

  const listener = {
    list(all: Resource[]): void {
      asking.clear();
      for (const one of all) see(one);
    },
    change(type: string, one: Resource): void {
      if (type === 'DELETED') asking.delete(one.metadata.name);
      else see(one);
    },
  };
  return {
    ended: kubernetes.watch(runKind, { namespace, fields: notEnded }, listener, signal),
    asking: (): Asking[] => [...asking.values()],
  };
}

function watchPipelines({ kubernetes, namespace, signal, onChange }: Watched) {
  const changed = new Map<string, Resource>();
  const deleted = new Set<string>();
  let present = new Set<string>();

  function see(resource: Resource): void {
    const { name, generation } = resource.metadata;
    const { observedGeneration } = (resource.status ?? {}) as { observedGeneration?: number };
    present.add(name);
    if (generation === observedGeneration) changed.delete(name);
    else {
      changed.set(name, resource);
      onChange();
    }
  }

  function lose(name: string): void {
    present.delete(name);
    changed.delete(name);
    deleted.add(name);
    onChange();
  }

  const listener = {
    list(all: Resource[]): void {
      const before = present;
      present = new Set();
      changed.clear();
      for (const one of all) see(one);
      for (const name of before) if (!present.has(name)) lose(name);
    },
    change(type: string, one: Resource): void {
      if (type === 'DELETED') lose(one.metadata.name);
      else see(one);
    },
  };
  return {
    ended: kubernetes.watch(pipelineKind, { namespace }, listener, signal),
    /** Pipelines whose spec is newer than what their status is about: by us, a moment ago, or by a person. */
    changed: (): Resource[] => [...changed.values()],
    /** Names of Pipelines that were deleted, until `restored`. */
    deleted: (): string[] => [...deleted],
    restored(names: readonly string[]): void {
      for (const name of names) deleted.delete(name);
    },
  };
}
