import type { PipelineBlock } from '../../schemas/generated/types.ts';
import type { NumberedBlock } from './check-graph.ts';
import { type Context, createReport } from './context.ts';
import type { Path } from './locate.ts';
import { at, type Manifest, type PipelineManifest } from './manifest.ts';

/** Checks that the pools which a pipeline and its blocks name are there, and that none of its runs can wait for itself. */
export function checkPools(context: Context, manifest: PipelineManifest, blocks: readonly NumberedBlock[]): void {
  const report = createReport(context, manifest);
  for (const { name, path } of namedPools(manifest, blocks)) {
    if (context.find('Pool', name)) continue;
    report(path, 'unknown-pool', `names "${name}", and there is no such Pool${context.hint('Pool', name)}`);
  }
  const own = poolOf(manifest);
  if (own === undefined) return;
  const after = context.once('pools that runs wait for', () => waitsBetweenPools(context.all));
  for (const { block, index } of blocks) {
    if (block.pool === undefined || !leadsTo(after, block.pool, own)) continue;
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

function poolOf({ value }: PipelineManifest): string | undefined {
  const pool = at(value, ['spec', 'pool']);
  return typeof pool === 'string' ? pool : undefined;
}

/** From each pool that runs hold to the pools that their tasks wait for meanwhile, over all pipelines of the source. */
function waitsBetweenPools(all: readonly Manifest[]): ReadonlyMap<string, ReadonlySet<string>> {
  const after = new Map<string, Set<string>>();
  for (const manifest of all) {
    if (manifest.kind !== 'Pipeline') continue;
    const held = poolOf(manifest);
    const blocks = at(manifest.value, ['spec', 'blocks']);
    if (held === undefined || !Array.isArray(blocks)) continue;
    const asked = (blocks as PipelineBlock[]).flatMap((block) => at(block, ['pool']) ?? []);
    const known = after.get(held) ?? new Set();
    for (const name of asked) if (typeof name === 'string') known.add(name);
    after.set(held, known);
  }
  return after;
}

function leadsTo(after: ReadonlyMap<string, ReadonlySet<string>>, from: string, to: string): boolean {
  const seen = new Set<string>();
  const open = [from];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name === to) return true;
    if (seen.has(name)) continue;
    seen.add(name);
    open.push(...(after.get(name) ?? []));
  }
  return false;
}
