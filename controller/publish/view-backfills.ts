import type { BackfillResourceSpec, BackfillResourceStatus } from '../../schemas/generated/types.ts';
import type { Resource } from '../kubernetes/client.ts';
import { askOf } from './asks.ts';
import { backfillKind } from './kinds.ts';
import { observedOf } from './track.ts';
import type { Asking, Watched } from './view.ts';

/** Backfills in the cluster: what people ask for by them, changed of them, and deleted. */
export type BackfillObjects = ReturnType<typeof watchBackfills>;

export function watchBackfills({ kubernetes, namespace, signal, onChange }: Watched) {
  const asking = new Map<string, Asking>();
  const changed = new Map<string, Resource>();
  const deleted = new Set<string>();
  /** Name to uid of all that are there; null before the first list. */
  let present: Map<string, string> | null = null;

  function see(resource: Resource): void {
    const { name, uid = '' } = resource.metadata;
    present?.set(name, uid);
    deleted.delete(name);
    const ask = askOf(resource);
    if (ask) asking.set(name, { ask, resource });
    else asking.delete(name);
    if (!ask && isNews(resource)) changed.set(name, resource);
    else changed.delete(name);
    if (ask || changed.has(name)) onChange();
  }

  function lose(name: string): void {
    present?.delete(name);
    asking.delete(name);
    changed.delete(name);
    deleted.add(name);
    onChange();
  }

  const listener = {
    list(all: Resource[]): void {
      const before = present ?? new Map<string, string>();
      present = new Map();
      asking.clear();
      changed.clear();
      for (const one of all) see(one);
      for (const name of before.keys()) if (!present.has(name)) lose(name);
    },
    change(type: string, one: Resource): void {
      if (type === 'DELETED') lose(one.metadata.name);
      else see(one);
    },
  };
  return {
    namespace,
    ended: kubernetes.watch(backfillKind, { namespace }, listener, signal),
    asking: (): Asking[] => [...asking.values()],
    /** Those whose status is not about what their spec says by now. */
    changed: (): Resource[] => [...changed.values()],
    /** Names of those that were deleted, until `dealtWith`. */
    deleted: (): string[] => [...deleted],
    dealtWith(names: readonly string[]): void {
      for (const name of names) deleted.delete(name);
    },
    /** Whether an object of that name and uid is there, as far as is known; true before anything is. */
    isPresent: (name: string, uid: string): boolean => present === null || present.get(name) === uid,
  };
}

/** Also one that was made with `cancel`, which the status does not show before it has ended. */
function isNews(one: Resource): boolean {
  const observed = observedOf(one);
  if (observed === null) return false;
  const { cancel } = one.spec as BackfillResourceSpec;
  const { phase } = one.status as BackfillResourceStatus;
  return one.metadata.generation !== observed || (cancel === true && phase === 'Running');
}
