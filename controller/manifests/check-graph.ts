import type { PipelineBlock } from '../../schemas/generated/types.ts';
import { didYouMean } from '../expressions/suggest.ts';
import { bodyOf } from './check-block.ts';
import { type Context, createReport, type Report } from './context.ts';
import { sortBlocks } from './graph.ts';
import type { Path } from './locate.ts';
import { at, type PipelineManifest } from './manifest.ts';

/** A block and its place in the manifest. */
export type NumberedBlock = { readonly block: PipelineBlock; readonly index: number };

/**
 * Checks what is between the blocks of a pipeline: names and references. `blocks` are those that fit their schema. Returns them in
 * topological order, or undefined when the pipeline has problems, here or elsewhere.
 */
export function checkGraph(
  context: Context,
  manifest: PipelineManifest,
  blocks: readonly NumberedBlock[],
): readonly PipelineBlock[] | undefined {
  const report = createReport(context, manifest);
  const byName = indexBlocks(blocks, report);
  // A block that does not fit its schema still exists, and references to it are right.
  const all = at(manifest.value, ['spec', 'blocks']);
  const names = new Set(
    (Array.isArray(all) ? all : []).map((block) => at(block, ['name'])).filter((name) => typeof name === 'string'),
  );
  for (const { block, index } of blocks) {
    for (const field of ['from', 'needs'] as const) {
      for (const [position, name] of (block[field] ?? []).entries()) {
        const path = ['spec', 'blocks', index, field, position];
        checkReference({ context, report, names, block, field, name, source: byName.get(name)?.block, path });
      }
    }
  }
  return context.diagnostics.isBroken(manifest) ? undefined : sorted(blocks, byName, report);
}

function indexBlocks(blocks: readonly NumberedBlock[], report: Report): ReadonlyMap<string, NumberedBlock> {
  const byName = new Map<string, NumberedBlock>();
  for (const numbered of blocks) {
    const { block, index } = numbered;
    const earlier = byName.get(block.name);
    if (!earlier) byName.set(block.name, numbered);
    else {
      const message = `is the name of block ${earlier.index + 1} already; choose another one`;
      report(['spec', 'blocks', index, 'name'], 'duplicate-name', message);
    }
  }
  return byName;
}

function sorted(
  blocks: readonly NumberedBlock[],
  byName: ReadonlyMap<string, NumberedBlock>,
  report: Report,
): readonly PipelineBlock[] | undefined {
  const result = sortBlocks(blocks.map(({ block }) => block));
  if ('order' in result) return result.order;
  const [first = ''] = result.cycle;
  const circle = [...result.cycle, first].map((name) => `"${name}"`).join(' → ');
  const path = ['spec', 'blocks', byName.get(first)?.index ?? 0];
  report(path, 'cycle', `waits for itself: ${circle}; remove one of these references`, { on: 'key' });
  return undefined;
}

function checkReference(options: {
  context: Context;
  report: Report;
  names: ReadonlySet<string>;
  block: PipelineBlock;
  field: 'from' | 'needs';
  name: string;
  source: PipelineBlock | undefined;
  path: Path;
}): void {
  const { context, report, names, block, field, name, source, path } = options;
  const verb = field === 'from' ? 'reads from' : 'needs';
  if (name === block.name) {
    report(path, 'self-reference', `names the block itself; remove it`);
  } else if (!names.has(name)) {
    const others = [...names].filter((other) => other !== block.name);
    const known = others.length === 0 ? '; the pipeline has no other block' : `; the blocks are ${others.join(', ')}`;
    report(path, 'unknown-block', `${verb} "${name}", which does not exist${didYouMean(name, others) || known}`);
  } else if (field === 'from' && source) {
    const body = bodyOf(context, source);
    const what = `reads from "${name}", which is`;
    const wait = 'use `needs` to wait for it';
    if (body?.export)
      report(path, 'missing-input', `${what} an export and has no rows; read from what it reads, or ${wait}`);
    const rowless = source.wait ? 'a wait' : body?.container && 'a container';
    if (rowless) report(path, 'missing-input', `${what} ${rowless} and gives no rows; ${wait}`);
  }
}
