import type { PipelineSourceResourceSpec } from '../../schemas/generated/types.ts';
import type { Resource } from '../kubernetes/client.ts';
import { owns } from './drift.ts';

/** PipelineSources, and what the controller makes of them. */
export type SourceObjects = {
  /** What flags and files declare, by name: the objects of that are ours. */
  readonly own: ReadonlyMap<string, PipelineSourceResourceSpec>;
  /** The objects that there are, by name: those that are not ours declare sources. Null where nobody has looked yet. */
  readonly objects: () => ReadonlyMap<string, Resource> | null;
  /** Why what a person asks for is not done, in a sentence; null when it is. */
  readonly refusalOf: (object: Resource) => string | null;
};

export function specOf({ spec }: Resource): PipelineSourceResourceSpec {
  return (spec ?? {}) as PipelineSourceResourceSpec;
}

/** Whether the controller made it, to show what flags and files declare. Kept by the API server, so that a copy is not ours. */
export function isMadeByUs(resource: Resource): boolean {
  return owns(resource, 'git', true) || owns(resource, 'folder', true);
}
