import { afterAll, beforeAll, expect, test } from 'vitest';
import contracts from '../../schemas/generated/contracts.schema.json' with { type: 'json' };
import { type ControlPlane, firstStart, startControlPlane } from './support/control-plane.ts';

type Schema = {
  readonly $ref?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly allOf?: readonly Schema[];
};
type Schemas = Readonly<Record<string, Schema>>;

let plane: ControlPlane;
let theirs: Schemas;
beforeAll(async () => {
  plane = await startControlPlane();
  theirs = JSON.parse(await plane.kubectl(['get', '--raw', '/openapi/v3/api/v1'])).components.schemas;
}, firstStart);
afterAll(() => plane?.stop());

/** What a schema says where it refers to another one. */
function resolve(schema: Schema, schemas: Schemas): Schema {
  const { $ref } = schema.allOf?.[0] ?? schema;
  return $ref === undefined ? schema : resolve(schemas[$ref.slice($ref.lastIndexOf('/') + 1)] ?? {}, schemas);
}

/** Fields of ours that are none of theirs, at any depth. */
function unknown(ours: Schema, known: Schema, path: string): string[] {
  const [own, there] = [resolve(ours, contracts.$defs as unknown as Schemas), resolve(known, theirs)];
  if (own.items) return unknown(own.items, there.items ?? {}, `${path}[]`);
  return Object.entries(own.properties ?? {}).flatMap(([name, field]) => {
    const at = `${path}.${name}`;
    const found = there.properties?.[name];
    return found ? unknown(field, found, at) : [at];
  });
}

test.each([
  ['Resources', 'ResourceRequirements', []],
  ['Toleration', 'Toleration', []],
  ['Affinity', 'Affinity', []],
  ['SecurityContext', 'SecurityContext', []],
  // A volume of ours is also its mount.
  ['Volume', 'Volume', ['mountPath', 'readOnly', 'subPath']],
  ['Volume', 'VolumeMount', ['configMap', 'secret', 'persistentVolumeClaim', 'emptyDir', 'hostPath']],
])('every field of %s is one of Kubernetes’ %s', (name, known, others) => {
  const found = unknown({ $ref: name }, { $ref: `io.k8s.api.core.v1.${known}` }, name);
  expect(found).toEqual(others.map((field) => `${name}.${field}`));
});
