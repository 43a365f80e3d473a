import { createHash } from 'node:crypto';
import { resourceApiVersion, resourceKinds } from '../../schemas/resource-kinds.ts';
import type { Kind } from '../kubernetes/client.ts';

export const pipelineKind: Kind = {
  apiVersion: resourceApiVersion,
  kind: 'Pipeline',
  plural: resourceKinds.Pipeline.plural,
};
export const runKind: Kind = {
  apiVersion: resourceApiVersion,
  kind: 'PipelineRun',
  plural: resourceKinds.PipelineRun.plural,
};

export const labelNames = {
  managedBy: 'app.kubernetes.io/managed-by',
  pipeline: 'pipewright.dev/pipeline',
  run: 'pipewright.dev/run',
} as const;

/** The labels of everything that is made for a pipeline, or for a run of it. */
export function labelsOf(pipeline: string, run?: string): Record<string, string> {
  return {
    [labelNames.managedBy]: 'pipewright',
    [labelNames.pipeline]: pipeline,
    ...(run === undefined ? {} : { [labelNames.run]: labelValue(run) }),
  };
}

/** A label holds 63 characters, a run's name may be longer: then its end is a hash. The same as on the run's Jobs. */
function labelValue(name: string): string {
  return name.length <= 63 ? name : `${name.slice(0, 52).replace(/[^A-Za-z0-9]+$/, '')}-${shortHash(name)}`;
}

/** Ten hex characters: enough for names within one object. */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 10);
}
