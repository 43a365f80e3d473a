import type { PipelineBlock } from '../../schemas/generated/types.ts';
import type { OutputNames } from '../expressions/template.ts';
import { bodyOf } from './check-block.ts';
import type { Context } from './context.ts';
import { ancestors } from './graph.ts';
import type { Path } from './locate.ts';
import { at, type PipelineManifest } from './manifest.ts';

/** For a path in a pipeline, the blocks whose outputs an expression there may name. Blocks may have any fault. */
export function outputNames(
  context: Context,
  manifest: PipelineManifest,
): (path: Path) => { readonly outputs?: OutputNames } {
  const all = at(manifest.value, ['spec', 'blocks']);
  const blocks = (Array.isArray(all) ? all : []).filter(isNamed);
  const containers = new Set(blocks.filter((block) => givesOutputs(context, block)));
  const known = new Map<unknown, OutputNames>();
  const namesFor = (block: PipelineBlock): OutputNames => {
    const above = ancestors(blocks, block.name);
    const stateOf = (other: PipelineBlock) => {
      if (!containers.has(other)) return 'none';
      return above.has(other.name) ? 'upstream' : 'elsewhere';
    };
    return Object.fromEntries(blocks.map((other) => [other.name, stateOf(other)]));
  };
  return ([, list, index]) => {
    const block = list === 'blocks' && at(all, [index ?? '']);
    if (!isNamed(block)) return {};
    const outputs = known.get(block) ?? namesFor(block);
    known.set(block, outputs);
    return { outputs };
  };
}

/** Whether a value is a block as far as its place in the graph is concerned. */
function isNamed(block: unknown): block is PipelineBlock {
  const areNames = (value: unknown) => value === undefined || (Array.isArray(value) && value.every(isText));
  return isText(at(block, ['name'])) && areNames(at(block, ['from'])) && areNames(at(block, ['needs']));
}

const isText = (value: unknown) => typeof value === 'string';

/** What a broken Block does is not known; its own problem is enough. */
function givesOutputs(context: Context, block: PipelineBlock): boolean {
  if (typeof block.use === 'string' && context.find('Block', block.use) === 'broken') return true;
  return bodyOf(context, block)?.container !== undefined;
}
