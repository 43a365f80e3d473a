import { definitions } from '../../schemas/source/blocks.ts';
import type { Schema } from '../../schemas/source/common.ts';
import { manifests, parts } from '../../schemas/source/manifests.ts';
import type { Path } from './locate.ts';

const schemas: Readonly<Record<string, Schema>> = { ...manifests, ...parts, ...definitions };

/** A text in a manifest, with what its schema says about it. */
export type ManifestString = {
  readonly text: string;
  readonly path: Path;
  /** Whether its `{{ }}` are evaluated. */
  readonly isTemplated: boolean;
  /** Whether it is SQL, in which they are bound. */
  readonly isSql: boolean;
};

/** Every text in a value of the named definition. What does not fit the schema is passed over. */
export function stringsOf(definition: string, value: unknown, path: Path): ManifestString[] {
  const found: ManifestString[] = [];
  collect(schemas[definition] ?? {}, value, path, found);
  return found;
}

function collect(schema: Schema, value: unknown, path: Path, found: ManifestString[]): void {
  if (typeof schema.$ref === 'string') {
    collect(schemas[schema.$ref.slice('#/$defs/'.length)] ?? {}, value, path, found);
  } else if (typeof value === 'string') {
    const isTemplated = schema['x-templated'] === true;
    found.push({ text: value, path, isTemplated, isSql: schema['x-sql'] === true });
  } else if (Array.isArray(schema.anyOf)) {
    const object = (schema.anyOf as Schema[]).find((branch) => branch.type === 'object');
    if (object) collect(object, value, path, found);
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) collect((schema.items ?? {}) as Schema, item, [...path, index], found);
  } else if (typeof value === 'object' && value !== null) collectFields(schema, value, path, found);
}

function collectFields(schema: Schema, value: object, path: Path, found: ManifestString[]): void {
  const properties = (schema.properties ?? {}) as Record<string, Schema>;
  for (const [key, item] of Object.entries(value)) {
    const property = Object.hasOwn(properties, key) ? properties[key] : schema.additionalProperties;
    if (property) collect(property as Schema, item, [...path, key], found);
  }
}
