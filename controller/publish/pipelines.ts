import type { ResourceCondition } from '../../schemas/generated/types.ts';
import type { PipelinePublication } from '../../schemas/publications.ts';
import type { Kubernetes, Resource } from '../kubernetes/client.ts';
import { KubernetesError } from '../kubernetes/errors.ts';
import { shortHash } from '../kubernetes/short-names.ts';
import type { Tell } from './events.ts';
import { pipelineKind } from './kinds.ts';
import { type PipelineBlocks, pipelineAspects, pipelineResource, pipelineStatus } from './pipeline-resource.ts';

/** What the object of a pipeline showed last. */
type Shown = {
  readonly spec: string;
  readonly status: string;
  readonly generation: number;
  readonly conditions: readonly ResourceCondition[];
};

/** Brings one pipeline to its object: a write for its spec and one for its status, each only where something changed. */
export function createPipelinePublisher(options: {
  kubernetes: Kubernetes;
  namespace: string;
  /** The graph of a bundle, by its digest. Asked only when a spec is written. */
  blocks: (bundle: string) => Promise<PipelineBlocks>;
  tell: Tell;
  now: () => Date;
}) {
  const { kubernetes, namespace, blocks, tell, now } = options;
  const shown = new Map<string, Shown>();

  async function applySpec(pipeline: PipelinePublication, spec: string): Promise<Shown> {
    const resource = pipelineResource(pipeline, await blocks(pipeline.bundle), namespace);
    const { metadata, status } = await kubernetes.apply(resource);
    const { conditions = [] } = (status ?? {}) as { conditions?: ResourceCondition[] };
    return { spec, status: '', generation: metadata.generation ?? 1, conditions };
  }

  async function applyStatus(pipeline: PipelinePublication, before: Shown): Promise<Resource | null> {
    const { apiVersion, kind } = pipelineKind;
    const metadata = { name: pipeline.name, namespace };
    const status = pipelineStatus(pipeline, { ...before, at: now() });
    const digest = shortHash(JSON.stringify(status));
    if (digest === before.status) return null;
    const written = await kubernetes.apply({ apiVersion, kind, metadata, status }, { subresource: 'status' });
    shown.set(pipeline.name, { ...before, status: digest, conditions: status.conditions ?? [] });
    return written;
  }

  async function tellReadiness(pipeline: PipelinePublication, before: Shown, about: Resource): Promise<void> {
    // Of a new one that is ready nothing is told: a thousand of them would be a thousand Events that say nothing.
    const was = before.conditions.find(({ type }) => type === 'Ready')?.status !== 'False';
    if (pipeline.ready === was) return;
    const type = pipeline.ready ? 'Normal' : 'Warning';
    const [{ reason, message }] = pipelineAspects(pipeline);
    await tell(about, { type, reason, message, key: `${pipeline.version} ${message}` });
  }

  async function show(pipeline: PipelinePublication): Promise<void> {
    const { version, revision, source, file, suspended } = pipeline;
    const spec = shortHash(JSON.stringify([version, revision, source, file, suspended]));
    const known = shown.get(pipeline.name);
    const before = known?.spec === spec ? known : await applySpec(pipeline, spec);
    const about = await applyStatus(pipeline, before);
    if (about) await tellReadiness(pipeline, before, about);
  }

  return {
    async publishPipeline(pipeline: PipelinePublication): Promise<void> {
      if (pipeline.retired) {
        shown.delete(pipeline.name);
        return kubernetes.remove(pipelineKind, { namespace, name: pipeline.name });
      }
      try {
        await show(pipeline);
      } catch (error) {
        shown.delete(pipeline.name);
        if (!(error instanceof KubernetesError && error.status === 404)) throw error;
        // Somebody deleted it since: it is made anew.
        await show(pipeline);
      }
    },
    /** Somebody changed or deleted the object: it is to be written whole, whatever it showed last. */
    forgetPipeline: (name: string) => void shown.delete(name),
    reset: () => shown.clear(),
  };
}
