import { neverObserved } from '../../schemas/resource-kinds.ts';
import type { Resource, WatchListener } from '../kubernetes/client.ts';

/** Objects that we make, or give a status: those whose spec is newer than what their status is about, and those that are gone. */
export type OurObjects = Omit<ReturnType<typeof trackOurs>, 'listener'>;

export function trackOurs(onChange: () => void) {
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

  const listener: WatchListener = {
    list(all) {
      const before = present;
      present = new Set();
      changed.clear();
      for (const one of all) see(one);
      for (const name of before) if (!present.has(name)) lose(name);
    },
    change(type, one) {
      if (type === 'DELETED') lose(one.metadata.name);
      else see(one);
    },
  };
  return {
    listener,
    /** Those whose spec is newer than what their status is about: by us, a moment ago, or by a person. */
    changed: (): Resource[] => [...changed.values()],
    /** Names of those that were deleted, until `restored`. */
    deleted: (): string[] => [...deleted],
    restored(names: readonly string[]): void {
      for (const name of names) deleted.delete(name);
    },
  };
}

/** The generation that its status is about; null before it has one of ours. */
export function observedOf({ status }: Resource): number | null {
  const { observedGeneration = neverObserved } = (status ?? {}) as { observedGeneration?: number };
  return observedGeneration === neverObserved ? null : observedGeneration;
}

/** Whether its status is about what it is by now. */
function isSettled(one: Resource): boolean {
  return one.metadata.generation === observedOf(one);
}

/** Of one that is settled only what tells that it is: there may be thousands. */
export function withoutRest(one: Resource): Resource {
  if (!isSettled(one)) return one;
  const { apiVersion, kind, metadata } = one;
  const { name, generation = 0 } = metadata;
  return { apiVersion, kind, metadata: { name, generation }, status: { observedGeneration: generation } };
}
