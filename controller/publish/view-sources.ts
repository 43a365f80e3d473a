import type { Resource, WatchListener } from '../kubernetes/client.ts';
import { sourceKind } from './kinds.ts';
import { trackOurs } from './track.ts';
import type { Watched } from './view.ts';

export type SourceView = ReturnType<typeof watchSources>;

/** PipelineSources, whole: people declare sources by them. There are few. */
export function watchSources({ kubernetes, namespace, signal, onChange, onSources = () => {} }: Watched) {
  const { listener: track, ...seen } = trackOurs(onChange);
  const objects = new Map<string, Resource>();
  let listed = false;
  let fresh = false;
  const listener: WatchListener = {
    list(all) {
      listed = true;
      fresh = true;
      objects.clear();
      for (const one of all) objects.set(one.metadata.name, one);
      track.list(all);
      onSources();
    },
    change(type, one) {
      if (type === 'DELETED') objects.delete(one.metadata.name);
      else objects.set(one.metadata.name, one);
      track.change(type, one);
      onSources();
    },
  };
  return {
    ...seen,
    ended: kubernetes.watch(sourceKind, { namespace }, listener, signal),
    /** All that there are, by name; null until they have been listed. */
    objects: (): ReadonlyMap<string, Resource> | null => (listed ? objects : null),
    /** Whether they were listed since the last call: what was published before that may have missed some. */
    takeListed(): boolean {
      const was = fresh;
      fresh = false;
      return was;
    },
  };
}
