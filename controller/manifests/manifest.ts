import type { Backfill, Block, Connection, ManifestPart, Pipeline, Pool } from '../../schemas/generated/types.ts';
import type { Path } from './locate.ts';

export const kinds = ['Pipeline', 'Block', 'Connection', 'Pool', 'Backfill'] as const;
export type Kind = (typeof kinds)[number];

/** A line and a column, both from 1. */
export type Position = { readonly line: number; readonly column: number };

/** What is known of any document that says its kind: enough to say where a problem is and whom it stops. */
export type Place = {
  readonly file: string;
  /** Its number among the documents of the file, from 0. */
  readonly document: number;
  readonly kind: Kind;
  /** Empty when it cannot be read. */
  readonly name: string;
};

type Typed<K extends Kind, Value> = Place & {
  readonly kind: K;
  /** Of this type only where `isSound`. */
  readonly value: Value;
  /** Where `metadata.name` stands. */
  readonly at: Position;
  /** Where bodies (`load`, `transform`, `export`, `container`) stand: one for each block of a Pipeline, one for a Block. */
  readonly bodies: readonly Position[];
  /** Where the value violates its schema. */
  readonly faults: readonly Fault[];
  /** As it was written. */
  readonly written: ManifestPart;
};

type Fault = { readonly path: Path; readonly isType: boolean };

export type PipelineManifest = Typed<'Pipeline', Pipeline> & {
  /** What an environment has put into `value`. */
  readonly overlay?: PipelineManifest;
};
export type BlockManifest = Typed<'Block', Block>;
export type ConnectionManifest = Typed<'Connection', Connection>;
export type PoolManifest = Typed<'Pool', Pool>;
export type BackfillManifest = Typed<'Backfill', Backfill>;
export type Manifest = PipelineManifest | BlockManifest | ConnectionManifest | PoolManifest | BackfillManifest;

/**
 * Whether a part of a manifest fits its schema and can be looked at further, so that one fault does not hide the problems of other
 * parts. A fault at an ancestor counts only when the ancestor itself is of a wrong type.
 */
export function isSound({ faults }: Manifest, path: Path): boolean {
  return !faults.some((fault) => startsWith(fault.path, path) || (fault.isType && startsWith(path, fault.path)));
}

function startsWith(path: Path, prefix: Path): boolean {
  return prefix.every((step, index) => index < path.length && String(path[index]) === String(step));
}

/** `pipeline "taxi"`: how messages name a manifest. */
export function subject(place: Place): string {
  return place.name === '' ? `a ${place.kind} manifest` : `${place.kind.toLowerCase()} "${place.name}"`;
}

/** `pipeline "taxi": block "trips": load.http.url`: how messages name a field. */
export function fieldSubject(place: Place, value: unknown, path: Path): string {
  const [spec, list, index, ...rest] = path;
  if (spec !== 'spec') return join(subject(place), path);
  if (list !== 'blocks' || index === undefined) return join(subject(place), path.slice(1));
  const block = at(value, ['spec', 'blocks', index, 'name']);
  const name = typeof block === 'string' ? `block "${block}"` : `block ${Number(index) + 1}`;
  return join(`${subject(place)}: ${name}`, rest);
}

function join(base: string, path: Path): string {
  return path.length === 0 ? base : `${base}: ${fieldText(path)}`;
}

/** `load.http.url`: how messages name a field by itself. */
export function fieldText(path: Path): string {
  const steps = path.map((step) => (/^\d+$/.test(String(step)) ? `[${step}]` : `.${step}`));
  return steps.join('').replace(/^\./, '');
}

/** What a path leads to in a plain value, or undefined. */
export function at(value: unknown, path: Path): unknown {
  let found = value;
  for (const step of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined;
    found = (found as Record<string | number, unknown>)[step];
  }
  return found;
}
