import type { CompiledTask, PipelineBlock } from '../../schemas/generated/types.ts';
import { bodyOf } from './check-block.ts';
import { type Context, createReport } from './context.ts';
import type { PipelineManifest } from './manifest.ts';

/** Checks that rows which one task hands to another have a place to lie. */
export function checkHandOver(context: Context, manifest: PipelineManifest, tasks: readonly CompiledTask[]): void {
  const { place } = context;
  if (place?.kind !== 'jobs' || place.artifactsClaim !== undefined) return;
  const report = createReport(context, manifest);
  const { blocks } = manifest.value.spec;
  const byName = new Map(blocks.map((block) => [block.name, block]));
  const taskOf = new Map(tasks.flatMap((task) => task.blocks.map((name) => [name, task])));
  for (const [index, block] of blocks.entries()) {
    const task = taskOf.get(block.name);
    const head = byName.get(task?.blocks[0] ?? '') ?? block;
    for (const [position, source] of (block.from ?? []).entries()) {
      if (!task?.inputs.includes(source)) continue;
      const fact = `reads "${source}" of another task, and rows have no place between tasks here`;
      const way = wayOut(context, head, byName.get(source));
      report(
        ['spec', 'blocks', index, 'from', position],
        'needs-artifacts',
        `${fact}; ${way}, or ask the operator for jobs.artifactsClaim`,
      );
    }
  }
}

const dividers = ['isolate', 'when', 'retry', 'timeout', 'pool', 'needs', 'resources', 'pod'] as const;

/** `head`: the first block of the task that reads; `source`: the block that is read. */
function wayOut(context: Context, head: PipelineBlock, source: PipelineBlock | undefined): string {
  if (bodyOf(context, head)?.container) return 'write `needs` instead of `from`';
  const own = dividers.find((field) => head[field] !== undefined);
  if (own) return `remove \`${own}\` from block "${head.name}", so that both can be one task`;
  if (source?.isolate) return `remove \`isolate\` from block "${source.name}", so that both can be one task`;
  return 'read what it reads in one block';
}
