import type { CompiledPool } from '../../schemas/generated/types.ts';
import type { Context } from './context.ts';
import type { Manifest, Place } from './manifest.ts';

/** The pools of a source: those without problems, and the names of the others, which are not gone. */
export function compilePools(
  context: Context,
  all: readonly (Manifest | Place)[],
): { pools: CompiledPool[]; brokenPools: string[] } {
  const names = new Set(all.flatMap(({ kind, name }) => (kind === 'Pool' && name !== '' ? [name] : [])));
  const pools: CompiledPool[] = [];
  const brokenPools: string[] = [];
  for (const name of [...names].sort()) {
    const found = context.find('Pool', name);
    if (!found || found === 'broken') brokenPools.push(name);
    else {
      const { slots, description } = found.value.spec;
      pools.push({ name, slots, ...(description === undefined ? {} : { description }) });
    }
  }
  return { pools, brokenPools };
}
