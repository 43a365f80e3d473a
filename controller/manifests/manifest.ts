import type { Block, Connection, Pipeline } from '../../schemas/generated/types.ts';

export type Kind = 'Pipeline' | 'Block' | 'Connection';

/** A line and a column, both from 1. */
export type Position = { readonly line: number; readonly column: number };

/** What is known of a manifest when it is no more than a document: enough to say where a problem is and whom it stops. */
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
  readonly value: Value;
  /** Where `metadata.name` stands. */
  readonly at: Position;
  /** Pipeline: where the body of each block stands. Block: one entry. */
  readonly bodies: readonly Position[];
};

export type PipelineManifest = Typed<'Pipeline', Pipeline>;
export type BlockManifest = Typed<'Block', Block>;
export type ConnectionManifest = Typed<'Connection', Connection>;

/** A manifest that fits its schema. */
export type Manifest = PipelineManifest | BlockManifest | ConnectionManifest;

/** `pipeline "taxi"`: how messages name a manifest. */
export function subject(place: Place): string {
  return place.name === '' ? `a ${place.kind} manifest` : `${place.kind.toLowerCase()} "${place.name}"`;
}
