import { resourceApiVersion, resourceKinds } from '../../schemas/resource-kinds.ts';
import type { Kind } from '../kubernetes/client.ts';
import { labelValue } from '../kubernetes/short-names.ts';

export const pipelineKind: Kind = {
  apiVersion: resourceApiVersion,
  kind: 'Pipeline',
  plural: resourceKinds.Pipeline.plural,
};
export const sourceKind: Kind = {
  apiVersion: resourceApiVersion,
  kind: 'PipelineSource',
  plural: resourceKinds.PipelineSource.plural,
};
export const runKind: Kind = {
  apiVersion: resourceApiVersion,
  kind: 'PipelineRun',
  plural: resourceKinds.PipelineRun.plural,
};
export const backfillKind: Kind = {
  apiVersion: resourceApiVersion,
  kind: 'Backfill',
  plural: resourceKinds.Backfill.plural,
};

export const labelNames = {
  managedBy: 'app.kubernetes.io/managed-by',
  pipeline: 'pipewright.dev/pipeline',
  run: 'pipewright.dev/run',
  backfill: 'pipewright.dev/backfill',
} as const;

/** The labels of everything that is made for a pipeline, or for a run of it. */
export function labelsOf(pipeline: string, run?: string): Record<string, string> {
  return {
    [labelNames.managedBy]: 'pipewright',
    [labelNames.pipeline]: pipeline,
    ...(run === undefined ? {} : { [labelNames.run]: labelValue(run) }),
  };
}
