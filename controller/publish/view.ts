import type { Kind, Kubernetes, Resource } from '../kubernetes/client.ts';
import { type Ask, askOf } from './asks.ts';
import { pipelineKind, runKind } from './kinds.ts';
import { trackOurs, withoutRest } from './track.ts';
import { watchBackfills } from './view-backfills.ts';
import { watchSources } from './view-sources.ts';

export type Asking = { readonly ask: Ask; readonly resource: Resource };

/** Runs that have ended ask for nothing, and there are many of them. */
const notEnded = ['Succeeded', 'Failed', 'Cancelled', 'Skipped'].map((phase) => `status.phase!=${phase}`).join(',');

export type Watched = {
  readonly kubernetes: Kubernetes;
  readonly namespace: string;
  readonly signal: AbortSignal;
  /** Something came in. */
  readonly onChange: () => void;
  /** PipelineSources were listed, or one of them has changed, if only its status. */
  readonly onSources?: () => void;
};

/**
 * What people have done to our objects and nobody has dealt with yet, by watches. It holds only that: an object leaves it
 * when its status says that it has been seen to, so nothing needs to be taken out and a restart finds it all again.
 */
export function createClusterView(options: Watched) {
  const runs = watchRuns(options);
  const pipelines = watchOurs(pipelineKind, options);
  const sources = watchSources(options);
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
  const { listener, ...seen } = trackOurs(onChange);
  return { ...seen, ended: kubernetes.watch(kind, { namespace }, { slim: withoutRest, ...listener }, signal) };
}
