import { type ResourceKind, resourceApiVersion, resourceKinds } from '../schemas/resource-kinds.ts';
import type { Schema } from '../schemas/source/common.ts';
import type { Resource, Rule } from '../schemas/source/resource-parts.ts';
import { resourceDefinitions, resources } from '../schemas/source/resources.ts';
import { type Definitions, objectSections, table } from './reference-tables.ts';

/** Where the page describes the definition that its fields refer to. */
export const resourceLinks = { ResourceCondition: 'resources.md#resourcecondition' };

/** The page about custom resources, as blocks of Markdown. */
export function resourcePage(definitions: Definitions): string[] {
  const kinds = (Object.keys(resourceKinds) as ResourceKind[]).flatMap((kind) =>
    resourceSections(kind, resources[kind], definitions),
  );
  return [
    '# Custom resources',
    `What \`kubectl\` shows and takes, of \`${resourceApiVersion}\`. \`kubectl get pipewright\` lists all of them, \`kubectl explain\` describes every field. Postgres holds the history; these objects show the newest of it.`,
    ...kinds,
    ...objectSections('ResourceCondition', resourceDefinitions.ResourceCondition ?? {}, definitions),
  ];
}

function resourceSections(
  kind: ResourceKind,
  { description, columns, selectors = [], spec, status }: Resource,
  all: Definitions,
) {
  const { plural, shortName } = resourceKinds[kind];
  const rows = columns.map(({ name, path, wide, description }) => [
    name.toUpperCase(),
    `\`${path}\``,
    wide ? 'yes' : '',
    description,
  ]);
  const messages = rulesIn(spec).map(({ message }) => `- ${message}`);
  return [
    `## ${kind}`,
    description,
    `\`kubectl get ${plural}\`, or \`${shortName}\`, prints these columns:`,
    table(['Column', 'Field', 'Only `-o wide`', 'Meaning'], rows),
    ...(selectors.length > 0
      ? [`\`--field-selector\` takes ${selectors.map((path) => `\`${path.slice(1)}\``).join(' and ')}.`]
      : []),
    'Refused with a sentence:',
    [...new Set(messages)].join('\n'),
    ...objectSections(`${kind}.spec`, spec, all),
    ...objectSections(`${kind}.status`, status, all),
  ];
}

/** The rules of a schema and of all objects inside it. */
function rulesIn(schema: Schema): Rule[] {
  const own = (schema['x-kubernetes-validations'] ?? []) as Rule[];
  return [...own, ...Object.values((schema.properties ?? {}) as Record<string, Schema>).flatMap(rulesIn)];
}
