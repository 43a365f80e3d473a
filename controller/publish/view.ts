import type { Kind, Kubernetes, Resource } from '../kubernetes/client.ts';
import { type Ask, askOf } from './asks.ts';
import { pipelineKind, runKind, sourceKind } from './kinds.ts';
import { watchBackfills } from './view-backfills.ts';

export type Asking = { readonly ask: Ask; readonly resource: Resource };

/** Runs that have ended ask for nothing, and there are many of them. */
const notEnded = ['Succeeded', 'Failed', 'Cancelled', 'Skipped'].map((phase) => `status.phase!=${phase}`).join(',');

export type Watched = {
  readonly kubernetes: Kubernetes;
  readonly namespace: string;
  readonly signal: AbortSignal;
  /** Something came in. */
  readonly onChange: () => void;
};

/**
 * What people have done to our objects and nobody has dealt with yet, by watches. It holds only that: an object leaves it
 * when its status says that it has been seen to, so nothing needs to be taken out and a restart finds it all again.
 */
export function createClusterView(options: Watched) {
  const runs = watchRuns(options);
  const pipelines = watchOurs(pipelineKind, options);
  const sources = watchOurs(sourceKind, options);
  const backfills = watchBackfills(options);
  return {
    asking: (): Asking[] => [...runs.asking(), ...backfills.asking()],
    pipelines,
    sources,
    backfills,
    /** Resolves when the signal has aborted and the watches have ended. */
    ended: Promise.all([runs.ended, pipelines.ended, sources.ended, backfills.ended]),
  };
}

export type ClusterView = ReturnType<typeof createClusterView>;

/** Objects of a kind that only we make. */
export type OurObjects = ReturnType<typeof watchOurs>;

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

function watchOurs(kind: Kind, { kubernetes, namespace, signal, onChange }: Watched) {
  const changed = new Map<string, Resource>();
  const deleted = new Set<string>();
  let present = new Set<string>();

  function see(resource: Resource): void {
    const { name } = resource.metadata;
    present.add(name);
    if (isSettled(resource)) changed.delete(name);
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
    slim: (one: Resource): Resource => (isSettled(one) ? withoutRest(one) : one),
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
    ended: kubernetes.watch(kind, { namespace }, listener, signal),
    /** Those whose spec is newer than what their status is about: by us, a moment ago, or by a person. */
    changed: (): Resource[] => [...changed.values()],
    /** Names of those that were deleted, until `restored`. */
    deleted: (): string[] => [...deleted],
    restored(names: readonly string[]): void {
      for (const name of names) deleted.delete(name);
    },
  };
}

/** Whether its status is about what it is by now. */
function isSettled({ metadata, status }: Resource): boolean {
  return metadata.generation === (status as { observedGeneration?: number } | undefined)?.observedGeneration;
}

function withoutRest({ apiVersion, kind, metadata: { name, generation = 0 }, status }: Resource): Resource {
  const { observedGeneration } = (status ?? {}) as { observedGeneration?: number };
  return { apiVersion, kind, metadata: { name, generation }, status: { observedGeneration } };
}
