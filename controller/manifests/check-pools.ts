import type { NumberedBlock } from './check-graph.ts';
import { type Context, createReport } from './context.ts';
import type { Path } from './locate.ts';
import type { PipelineManifest } from './manifest.ts';
import { poolOf } from './pool-order.ts';

/** Checks that the pools which a pipeline and its blocks name are there, and that none of its runs can wait for itself. */
export function checkPools(context: Context, manifest: PipelineManifest, blocks: readonly NumberedBlock[]): void {
  const report = createReport(context, manifest);
  for (const { name, path } of namedPools(manifest, blocks)) {
    if (context.find('Pool', name)) continue;
    report(path, 'unknown-pool', `names "${name}", and there is no such Pool${context.hint('Pool', name)}`);
  }
  const own = poolOf(manifest);
  if (own === undefined) return;
  for (const { block, index } of blocks) {
    if (block.pool === undefined || !context.poolLeadsTo(block.pool, own)) continue;
    const fact =
      block.pool === own
        ? 'is the pool that the run holds a slot of, so that its runs can wait for themselves'
        : `leads back to "${own}", whose slot the run holds: runs of several pipelines can wait for each other`;
    const message = `${fact}; choose another pool, or remove \`pool\` from the pipeline`;
    report(['spec', 'blocks', index, 'pool'], 'pool-circle', message);
  }
}

/** Whether a pipeline names a pool that has problems. */
export function usesBrokenPool(
  context: Context,
  manifest: PipelineManifest,
  blocks: readonly NumberedBlock[],
): boolean {
  return namedPools(manifest, blocks).some(({ name }) => context.find('Pool', name) === 'broken');
}

function namedPools(
  manifest: PipelineManifest,
  blocks: readonly NumberedBlock[],
): { readonly name: string; readonly path: Path }[] {
  const own = poolOf(manifest);
  return [
    ...(own === undefined ? [] : [{ name: own, path: ['spec', 'pool'] }]),
    ...blocks.flatMap(({ block, index }) =>
      block.pool === undefined ? [] : [{ name: block.pool, path: ['spec', 'blocks', index, 'pool'] }],
    ),
  ];
}
