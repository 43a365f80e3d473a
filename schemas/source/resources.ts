import { type ResourceKind, resourceApiVersion, resourceKinds } from '../resource-kinds.ts';
import { backfill } from './backfill-resources.ts';
import { object, ref, type Schema } from './common.ts';
import { pipeline, pipelineSource } from './pipeline-resources.ts';
import { type Resource, resourceCondition, resourceMetadata } from './resource-parts.ts';
import { pipelineRun } from './run-resources.ts';

/** The custom resources of the group `pipewright.dev`: CustomResourceDefinitions, types and a reference page are made of them. */
export const resources: Readonly<Record<ResourceKind, Resource>> = {
  PipelineSource: pipelineSource,
  Pipeline: pipeline,
  PipelineRun: pipelineRun,
  Backfill: backfill,
};

/** As contracts. `PipelineResource` beside `Pipeline`: in Git and in the cluster the kind has the same name and another form. */
export const resourceDefinitions: Record<string, Schema> = {
  ResourceMetadata: resourceMetadata,
  ResourceCondition: resourceCondition,
  ...Object.fromEntries(
    (Object.keys(resourceKinds) as ResourceKind[]).flatMap((kind) => [
      [`${kind}Resource`, wholeResource(kind)],
      [`${kind}ResourceSpec`, resources[kind].spec],
      [`${kind}ResourceStatus`, resources[kind].status],
    ]),
  ),
};

function wholeResource(kind: ResourceKind): Schema {
  return object(
    resources[kind].description,
    {
      apiVersion: { type: 'string', const: resourceApiVersion, description: 'The version of this form.' },
      kind: { type: 'string', const: kind, description: 'The kind of this object.' },
      metadata: ref('ResourceMetadata'),
      spec: ref(`${kind}ResourceSpec`),
      status: ref(`${kind}ResourceStatus`),
    },
    ['apiVersion', 'kind', 'metadata', 'spec'],
  );
}
