import { isDeepStrictEqual } from 'node:util';
import type { PipelineResourceSpec } from '../../schemas/generated/types.ts';
import type { Resource } from '../kubernetes/client.ts';

const us = 'pipewright';

/** What follows from the version alone: where two versions are the same, a difference is somebody's doing. */
const ofVersion: ReadonlySet<string> = new Set([
  'description',
  'schedule',
  'maxActiveRuns',
  'timeout',
  'blocks',
  'bundle',
]);

export type Drift = {
  /** Fields of the spec that somebody else changed, in order. */
  readonly fields: readonly string[];
  /** The field manager that changed the object last beside us, such as `kubectl-edit`. */
  readonly manager: string;
};

export type PipelineDrift = Drift & {
  /** What a person who may set `spec.suspend` set it to; null where it is as we set it. */
  readonly suspend: boolean | null;
};

/**
 * What somebody changed of an object. A field that differs and is still ours is no drift unless it is `fixed`: a newer spec is on
 * its way to the cluster. Whoever changes a field takes it from us, and the API server keeps book of that.
 */
export function driftOf(resource: Resource, desired: object, fixed: (field: string) => boolean): Drift {
  const current = specOf(resource);
  const wanted = desired as Record<string, unknown>;
  const names = [...new Set([...Object.keys(wanted), ...Object.keys(current)])].sort();
  const fields = names.filter((name) => {
    if (isDeepStrictEqual(current[name], wanted[name])) return false;
    return fixed(name) || !owns(resource, name, true) || owns(resource, name, false);
  });
  return { fields, manager: managerOf(resource) };
}

/** What somebody changed of a Pipeline. Whether its schedule is stopped may be theirs to say, where the manifest is silent. */
export function pipelineDrift(
  resource: Resource,
  desired: PipelineResourceSpec,
  suspendedBySource: boolean,
): PipelineDrift {
  const { version, suspend } = specOf(resource);
  const sameVersion = version === desired.version;
  const drift = driftOf(resource, desired, (field) => sameVersion && ofVersion.has(field));
  if (suspendedBySource) return { ...drift, suspend: null };
  const suspended = suspend === true;
  const byPerson = suspended !== (desired.suspend ?? false) && !owns(resource, 'suspend', true);
  const fields = drift.fields.filter((field) => field !== 'suspend');
  return { ...drift, fields, suspend: byPerson ? suspended : null };
}

function specOf({ spec }: Resource): Record<string, unknown> {
  return (spec ?? {}) as Record<string, unknown>;
}

/** The JSON merge patch that makes `desired` of `current`: also what server-side apply leaves alone, as it is not ours. */
export function mergePatch(current: unknown, desired: unknown): unknown {
  if (!isObject(current) || !isObject(desired)) return desired;
  const patch: Record<string, unknown> = {};
  for (const name of Object.keys(current)) if (!(name in desired)) patch[name] = null;
  for (const [name, value] of Object.entries(desired))
    if (!isDeepStrictEqual(current[name], value)) patch[name] = mergePatch(current[name], value);
  return patch;
}

/** Whether we (or, with `ours` false, somebody else) hold something of a field of the spec. */
export function owns(resource: Resource, field: string, ours: boolean): boolean {
  return managers(resource).some(({ manager, fieldsV1, subresource }) => {
    const spec = fieldsV1?.['f:spec'];
    return (manager === us) === ours && !subresource && isObject(spec) && `f:${field}` in spec;
  });
}

export function managerOf(resource: Resource): string {
  const others = managers(resource).filter(({ manager, subresource }) => manager !== us && !subresource);
  const last = others.toSorted((a, b) => (a.time ?? '').localeCompare(b.time ?? '')).at(-1);
  return last?.manager ?? 'unknown';
}

type Manager = {
  readonly manager?: string;
  readonly subresource?: string;
  readonly time?: string;
  readonly fieldsV1?: Readonly<Record<string, unknown>>;
};

function managers(resource: Resource): readonly Manager[] {
  return (resource.metadata.managedFields as readonly Manager[] | undefined) ?? [];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
