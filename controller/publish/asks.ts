import type {
  BackfillResourceSpec,
  BackfillResourceStatus,
  PipelineRunResourceSpec,
  PipelineRunResourceStatus,
} from '../../schemas/generated/types.ts';
import type { Origin } from '../../schemas/publications.ts';
import type { Resource } from '../kubernetes/client.ts';
import { managerOf } from './drift.ts';
import { labelNames } from './kinds.ts';

/** What a person asks for by a PipelineRun or a Backfill. */
export type Ask = {
  readonly kind: 'run' | 'rerun' | 'cancel' | 'backfill';
  readonly body: Record<string, unknown>;
  readonly actor: string;
  readonly origin: Origin;
};

/** What an object still asks for; null when it is one of ours, or answered, or on its way out. */
export function askOf(resource: Resource): Ask | null {
  const { metadata } = resource;
  const { name, namespace = 'default', uid } = metadata;
  if (uid === undefined || metadata.deletionTimestamp !== undefined) return null;
  const asked = resource.kind === 'Backfill' ? backfillAsked(resource) : runAsked(resource);
  if (!asked) return null;
  return {
    ...asked,
    actor: `kubernetes:${managerOf(resource)}`,
    origin: { kind: resource.kind, namespace, name, uid },
  };
}

type Asked = Pick<Ask, 'kind' | 'body'>;

function runAsked({ metadata, ...resource }: Resource): Asked | null {
  const spec = resource.spec as PipelineRunResourceSpec;
  const status = (resource.status ?? {}) as PipelineRunResourceStatus;
  if (spec.cancel && status.run !== undefined && isLive(status.phase))
    return { kind: 'cancel', body: { run: status.run } };
  if (metadata.labels?.[labelNames.run] !== undefined || status.phase !== undefined) return null;
  if (spec.rerunOf !== undefined) return { kind: 'rerun', body: { run: spec.rerunOf } };
  const { pipeline, window, variables, priority } = spec;
  return {
    kind: 'run',
    body: {
      pipeline,
      ...(window === undefined ? {} : { window }),
      ...(variables && { variables }),
      ...(priority === undefined ? {} : { priority }),
    },
  };
}

function backfillAsked({ metadata, ...resource }: Resource): Asked | null {
  const status = (resource.status ?? {}) as BackfillResourceStatus;
  if (metadata.labels?.[labelNames.backfill] !== undefined || status.phase !== undefined) return null;
  const { cancel: _later, suspend: suspended = false, ...spec } = resource.spec as BackfillResourceSpec;
  return { kind: 'backfill', body: { ...spec, name: metadata.name, suspended } };
}

function isLive(phase: PipelineRunResourceStatus['phase']): boolean {
  return phase === 'Queued' || phase === 'Running';
}
