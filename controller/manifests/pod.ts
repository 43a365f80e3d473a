import type { CompiledTask, PipelineBlock, PipelineSpec, PodSettings } from '../../schemas/generated/types.ts';

type Pipeline = Pick<PipelineSpec, 'resources' | 'pod'>;
type Block = Pick<PipelineBlock, 'resources' | 'pod'>;

/**
 * What pipeline and block say about a task’s pod, merged field by field; undefined when they say nothing. `runsImage`: whether the
 * task is a container, whose image stands in the block and not in `pod.image`.
 */
export function mergePod(pipeline: Pipeline, block: Block, runsImage: boolean): CompiledTask['pod'] {
  const { image, ...pod }: PodSettings = { ...pipeline.pod, ...block.pod };
  const resources = { ...pipeline.resources, ...block.resources };
  const merged = {
    ...pod,
    ...(image !== undefined && !runsImage && { image }),
    ...(Object.keys(resources).length > 0 && { resources }),
  };
  return Object.keys(merged).length > 0 ? merged : undefined;
}

/** Whether a block says something about its pod itself. */
export function hasOwnPod({ resources, pod }: Block): boolean {
  return resources !== undefined || pod !== undefined;
}
