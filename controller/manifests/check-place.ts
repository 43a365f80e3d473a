import type { PipelineBlock, PipelineSpec } from '../../schemas/generated/types.ts';
import { bodyOf } from './check-block.ts';
import type { NumberedBlock } from './check-graph.ts';
import { type Context, createReport } from './context.ts';
import { reportExcess } from './excess.ts';
import type { Path } from './locate.ts';
import { isSound, type PipelineManifest } from './manifest.ts';
import { hasOwnPod, mergePod } from './pod.ts';

type Defaults = Pick<PipelineSpec, 'resources' | 'pod'>;

/** Checks what a pipeline asks for against the place where tasks run. Without a known place there is nothing to say. */
export function checkPlace(context: Context, manifest: PipelineManifest, blocks: readonly NumberedBlock[]): void {
  const defaults = defaultsOf(manifest);
  if (context.place?.kind === 'processes') checkProcesses(context, manifest, defaults, blocks);
  if (context.place?.kind !== 'jobs') return;
  const report = createReport(context, manifest);
  reportExcess(context, report, defaults, (path) => ['spec', ...path]);
  for (const { block, index } of blocks) {
    const { container } = block;
    if (!hasOwnPod(block) && !container) continue;
    const pod = mergePod(defaults, block, container !== undefined);
    reportExcess(context, report, { pod, container }, (path) =>
      isOwn(block, defaults, path) ? ['spec', 'blocks', index, ...path] : undefined,
    );
  }
}

function defaultsOf(manifest: PipelineManifest): Defaults {
  const { resources, pod } = manifest.value.spec;
  return {
    ...(resources && isSound(manifest, ['spec', 'resources']) && { resources }),
    ...(pod && isSound(manifest, ['spec', 'pod']) && { pod }),
  };
}

/** Whether a field is the block’s own; what it takes from the pipeline is reported there. */
function isOwn(block: PipelineBlock, { resources }: Defaults, [part, field]: Path): boolean {
  const name = String(field);
  if (part === 'container') return true;
  if (part === 'pod') return block.pod !== undefined && Object.hasOwn(block.pod, name);
  // Limits that are nowhere are missed where requests were written last.
  const isNowhere = block.resources !== undefined && !Object.hasOwn(resources ?? {}, name);
  return isNowhere || Object.hasOwn(block.resources ?? {}, name);
}

const wayOut = 'start with --jobs in a cluster, or remove it';

function checkProcesses(
  context: Context,
  manifest: PipelineManifest,
  { pod }: Defaults,
  blocks: readonly NumberedBlock[],
): void {
  const report = createReport(context, manifest);
  const anImage = `is an image, and tasks run as processes here, which have none; ${wayOut}`;
  if (pod?.image !== undefined) report(['spec', 'pod', 'image'], 'needs-cluster', anImage);
  for (const { block, index } of blocks) {
    const path = ['spec', 'blocks', index];
    if (block.pod?.image !== undefined) report([...path, 'pod', 'image'], 'needs-cluster', anImage);
    if (!bodyOf(context, block)?.container) continue;
    const form = block.container ? 'container' : 'use';
    const fact = `runs an image, and tasks run as processes here, which have none`;
    report([...path, form], 'needs-cluster', `${fact}; ${wayOut}`, { on: 'key' });
  }
}
