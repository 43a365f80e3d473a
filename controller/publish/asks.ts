import type { PipelineRunResourceSpec, PipelineRunResourceStatus } from '../../schemas/generated/types.ts';
import type { Origin } from '../../schemas/publications.ts';
import type { Resource } from '../kubernetes/client.ts';
import { managerOf } from './drift.ts';
import { labelNames } from './kinds.ts';

/** What a person asks for by a PipelineRun. */
export type Ask = {
  readonly kind: 'run' | 'rerun' | 'cancel';
  readonly body: Record<string, unknown>;
  readonly actor: string;
  readonly origin: Origin;
};

/** What an object still asks for; null when it is one of ours, or answered, or on its way out. */
export function askOf(resource: Resource): Ask | null {
  const { metadata } = resource;
  const { name, namespace = 'default', uid } = metadata;
  if (uid === undefined || metadata.deletionTimestamp !== undefined) return null;
  const from = {
    actor: `kubernetes:${managerOf(resource)}`,
    origin: { kind: resource.kind, namespace, name, uid },
  };
  const spec = resource.spec as PipelineRunResourceSpec;
  const status = (resource.status ?? {}) as PipelineRunResourceStatus;
  if (spec.cancel && status.run !== undefined && isLive(status.phase))
    return { kind: 'cancel', body: { run: status.run }, ...from };
  if (metadata.labels?.[labelNames.run] !== undefined || status.phase !== undefined) return null;
  if (spec.rerunOf !== undefined) return { kind: 'rerun', body: { run: spec.rerunOf }, ...from };
  const { pipeline, window, variables } = spec;
  const body = { pipeline, ...(window === undefined ? {} : { window }), ...(variables && { variables }) };
  return { kind: 'run', body, ...from };
}

function isLive(phase: PipelineRunResourceStatus['phase']): boolean {
  return phase === 'Queued' || phase === 'Running';
}
