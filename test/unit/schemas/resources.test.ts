import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const folder = fileURLToPath(new URL('../../../crds/', import.meta.url));

type Schema = {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
  readonly [keyword: string]: unknown;
};
type Column = { readonly name: string; readonly jsonPath: string; readonly type: string; readonly priority?: number };
type Definition = {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly names: { readonly kind: string; readonly shortNames: readonly string[] };
    readonly versions: readonly [
      { readonly additionalPrinterColumns: readonly Column[]; readonly schema: { readonly openAPIV3Schema: Schema } },
    ];
  };
};

const definitions = readdirSync(folder).map((file) => {
  const definition: Definition = parse(readFileSync(folder + file, 'utf8'));
  const [version] = definition.spec.versions;
  return { file, definition, columns: version.additionalPrinterColumns, schema: version.schema.openAPIV3Schema };
});

/** Every schema in a schema, by its path; the items of a list are `[]`, the values of a map `*`. */
function walk(schema: Schema, path: string): { path: string; schema: Schema }[] {
  const inner = Object.entries(schema.properties ?? {}).flatMap(([name, one]) => walk(one, `${path}.${name}`));
  const items = schema.items ? walk(schema.items, `${path}[]`) : [];
  const values = schema.additionalProperties ? walk(schema.additionalProperties, `${path}.*`) : [];
  return [{ path, schema }, ...inner, ...items, ...values];
}

const nodes = definitions.flatMap(({ definition, schema }) => walk(schema, definition.spec.names.kind));
const paths = (fits: (schema: Schema, path: string) => boolean) =>
  nodes.filter(({ schema, path }) => fits(schema, path)).map(({ path }) => path);

const keywords = new Set(
  `type description properties required items additionalProperties enum format pattern minLength maxLength minItems maxItems
   maxProperties minimum maximum default x-kubernetes-validations x-kubernetes-list-type x-kubernetes-list-map-keys`.split(
    /\s+/,
  ),
);

test('each resource has a file of its own, named by group and plural', () => {
  expect(definitions.map(({ file, definition }) => [file, definition.spec.names.shortNames])).toEqual([
    ['pipewright.dev_backfills.yaml', ['pwb']],
    ['pipewright.dev_pipelineruns.yaml', ['pwr']],
    ['pipewright.dev_pipelines.yaml', ['pwp']],
    ['pipewright.dev_pipelinesources.yaml', ['pws']],
  ]);
  for (const { file, definition } of definitions) {
    const [plural, ...group] = definition.metadata.name.split('.');
    expect(file).toBe(`${group.join('.')}_${plural}.yaml`);
  }
});

describe('the schema of a resource', () => {
  test('gives every field one type, as a structural schema must', () => {
    const types = ['object', 'array', 'string', 'integer', 'number', 'boolean'];
    expect(paths(({ type }) => !types.includes(String(type)))).toEqual([]);
  });

  test('uses only keywords that Kubernetes takes, and none that lets unknown fields through', () => {
    expect(paths((schema) => Object.keys(schema).some((keyword) => !keywords.has(keyword)))).toEqual([]);
    expect(paths((schema) => schema.type === 'object' && !schema.properties && !schema.additionalProperties)).toEqual(
      definitions.map(({ definition }) => `${definition.spec.names.kind}.metadata`),
    );
  });

  test('has no default but that of a status, which says that nobody has seen the object', () => {
    const defaults = nodes.flatMap(({ schema, path }) => ('default' in schema ? [[path, schema.default]] : []));
    expect(defaults).toEqual(
      definitions.map(({ definition }) => [`${definition.spec.names.kind}.status`, { observedGeneration: -1 }]),
    );
  });

  test('requires only fields that it has', () => {
    const unknown = ({ required = [], properties = {} }: Schema) =>
      (required as string[]).some((name) => !Object.hasOwn(properties, name));
    expect(paths(unknown)).toEqual([]);
  });

  test('describes every field, for kubectl explain', () => {
    const own = /^\w+\.(apiVersion|kind|metadata)$/;
    expect(paths(({ description }, path) => !own.test(path) && !description)).toEqual([]);
  });

  test('bounds every text, list and map of the spec, so that the cost of its rules is bounded', () => {
    const unbounded = (schema: Schema) =>
      (schema.type === 'string' && schema.maxLength === undefined && schema.enum === undefined) ||
      (schema.type === 'array' && schema.maxItems === undefined) ||
      (schema.additionalProperties !== undefined && schema.maxProperties === undefined);
    expect(paths((schema, path) => /^\w+\.spec/.test(path) && unbounded(schema))).toEqual([]);
  });

  test('says in a sentence what a broken rule means', () => {
    const rules = nodes.flatMap(({ schema }) => (schema['x-kubernetes-validations'] ?? []) as { message?: string }[]);
    expect(rules.length).toBeGreaterThan(0);
    expect(rules.filter(({ message }) => !message)).toEqual([]);
  });
});

describe('a column', () => {
  test('shows a field that the schema has, with its type', () => {
    const wrong = definitions.flatMap(({ definition, columns }) =>
      columns.flatMap(({ name, jsonPath, type }) => {
        const path = `${definition.spec.names.kind}${jsonPath.replace(/\[\?\(.*\)\]/, '[]')}`;
        const field = nodes.find((node) => node.path === path)?.schema;
        const expected = type === 'date' ? 'string' : type;
        return field?.type === expected ? [] : [`${name}: ${path}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  test('of type date is of a moment that has passed, since kubectl prints one that lies ahead as <invalid>', () => {
    const dates = definitions.flatMap(({ columns }) => columns.filter(({ type }) => type === 'date'));
    expect([...new Set(dates.map(({ jsonPath }) => jsonPath))]).toEqual(['.status.startedAt', '.status.syncedAt']);
  });
});
