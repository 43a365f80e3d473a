import type { PipelineBlock } from '../../schemas/generated/types.ts';
import { at, type Manifest, type PipelineManifest } from './manifest.ts';

/** Which pools runs wait for while they hold a slot of another one, over all pipelines of a source. They may have any fault. */
export function createPoolOrder(manifests: readonly Manifest[]) {
  let after: ReadonlyMap<string, ReadonlySet<string>> | undefined;
  return {
    leadsTo(from: string, to: string): boolean {
      after ??= waitsBetweenPools(manifests);
      return leadsTo(after, from, to);
    },
  };
}

/** The pool of which every run of a pipeline holds a slot. */
export function poolOf({ value }: PipelineManifest): string | undefined {
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
