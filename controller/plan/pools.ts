import type { CompiledPipeline, CompiledPool } from '../../schemas/generated/types.ts';
import { collisionsOf } from './collisions.ts';
import type { PoolChange } from './plan.ts';

type Side = { readonly pipelines: readonly CompiledPipeline[]; readonly pools: readonly CompiledPool[] };

/** Pools whose slots change, or that `changed` pipelines begin or cease to use. */
export function poolChanges(base: Side, head: Side, changed: ReadonlySet<string>, now: Date): PoolChange[] {
  const [before, after] = [slotsOf(base), slotsOf(head)];
  const touched = [...base.pipelines, ...head.pipelines].filter(({ name }) => changed.has(name)).flatMap(poolsOf);
  const names = new Set([...before.keys(), ...after.keys()].filter((name) => before.get(name) !== after.get(name)));
  for (const name of touched) {
    if (JSON.stringify(usersOf(base, name)) !== JSON.stringify(usersOf(head, name))) names.add(name);
  }
  return [...names].sort().map((name) => {
    const users = usersOf(head, name);
    const slots = after.get(name);
    const using = head.pipelines.filter((pipeline) => poolsOf(pipeline).includes(name));
    return {
      name,
      slots: { before: before.get(name) ?? null, after: slots ?? null },
      users: users.map(([user]) => user),
      asked: users.reduce((sum, [, asked]) => sum + asked, 0),
      collisions: slots === undefined ? [] : collisionsOf(using, slots, now),
    };
  });
}

function slotsOf({ pools }: Side): ReadonlyMap<string, number> {
  return new Map(pools.map(({ name, slots }) => [name, slots]));
}

function poolsOf({ pool, bundle }: CompiledPipeline): string[] {
  return [...(pool === undefined ? [] : [pool]), ...bundle.tasks.flatMap((task) => task.pool ?? [])];
}

/** Who uses a pool, and how many of its slots at once at most. */
function usersOf({ pipelines }: Side, name: string): [user: string, asked: number][] {
  return pipelines.flatMap((pipeline): [string, number][] => {
    const slots = poolsOf(pipeline).filter((each) => each === name).length;
    return slots === 0 ? [] : [[pipeline.name, slots * pipeline.maxActiveRuns]];
  });
}
