import type { Schema } from '../schemas/source/common.ts';

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/\s*\n\s*/g, ' ');
}

/** Where each definition stands, as a link, and what it is. */
export type Definitions = {
  readonly linkTo: Readonly<Record<string, string>>;
  readonly schemas: Readonly<Record<string, Schema>>;
};

/** A heading, a description and a table of fields for an object and each object inside it, as `name.field`. */
export function objectSections(name: string, schema: Schema, definitions: Definitions): string[] {
  const properties = schema.properties as Record<string, Schema> | undefined;
  const heading = [`## ${name}`, String(schema.description ?? '')];
  if (!properties) return [...heading, `Type: ${typeOf(schema, name, definitions)}.`];
  const required = new Set(schema.required as string[]);
  const rows = Object.entries(properties).map(([field, property]) => [
    `\`${field}\``,
    typeOf(property, `${name}.${field}`, definitions),
    required.has(field) ? 'yes' : '',
    descriptionOf(property, definitions),
  ]);
  const inner = Object.entries(properties).flatMap(([field, property]) => {
    const nested = nestedObject(property);
    return nested ? objectSections(`${name}.${field}`, nested, definitions) : [];
  });
  return [...heading, table(['Field', 'Type', 'Required', 'Description'], rows), ...inner];
}

/** The object with fields of its own that stands in a property: directly, in a list or map, or as one of its alternatives. */
function nestedObject(property: Schema): Schema | undefined {
  if (property.properties) return property;
  const { items, additionalProperties, anyOf } = property;
  const inner = [items, additionalProperties, ...((anyOf as Schema[] | undefined) ?? [])];
  return inner
    .filter((each): each is Schema => typeof each === 'object' && each !== null)
    .map((each) => nestedObject({ description: property.description, ...each }))
    .find((found) => found !== undefined);
}

function descriptionOf(property: Schema, { schemas }: Definitions): string {
  const reference = [property, ...((property.anyOf as Schema[] | undefined) ?? [])].find((each) => each.$ref);
  const text = property.description ?? (reference && schemas[nameOf(reference)]?.description);
  const values = property.additionalProperties as Schema | undefined;
  const isTemplated = property['x-templated'] ?? values?.['x-templated'];
  return `${String(text ?? '')}${isTemplated ? ' `{{ }}`' : ''}`;
}

/** The name of the definition that a `$ref` leads to. */
function nameOf(schema: Schema): string {
  const reference = String(schema.$ref);
  return reference.slice(reference.lastIndexOf('/') + 1);
}

function linkOf(name: string, { linkTo }: Definitions): string {
  return `[${name}](${linkTo[name]})`;
}

/** The type for reading; `path` is the heading under which the fields of an object stand. */
function typeOf(schema: Schema, path: string, definitions: Definitions): string {
  if (schema.$ref !== undefined) return linkOf(nameOf(schema), definitions);
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (Array.isArray(schema.anyOf)) return alternativesOf(schema.anyOf as Schema[], path, definitions);
  if (schema.items) return `list of ${typeOf(schema.items as Schema, path, definitions)}`;
  if (schema.properties) return `[${path}](#${path.toLowerCase().replaceAll('.', '')})`;
  if (typeof schema.additionalProperties === 'object')
    return `map of ${typeOf(schema.additionalProperties as Schema, path, definitions)}`;
  return Array.isArray(schema.type) ? schema.type.join(', ') : String(schema.type ?? 'any');
}

function alternativesOf(alternatives: readonly Schema[], path: string, definitions: Definitions): string {
  const plain = alternatives.filter((schema) => !String(schema.pattern ?? '').startsWith('^\\{\\{'));
  return [...new Set(plain.map((schema) => typeOf(schema, path, definitions)))].join(' or ');
}
