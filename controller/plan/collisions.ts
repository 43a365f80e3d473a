import type { CompiledPipeline } from '../../schemas/generated/types.ts';
import type { Collision } from './plan.ts';
import { nextWindows } from './schedule.ts';

const shown = 3;
/** Whoever shares a pool with more pipelines than these knows that they wait. */
const looked = 200;

/** Moments of the next windows at which more of a pool’s users become due than it has slots: the first three. */
export function collisionsOf(users: readonly CompiledPipeline[], slots: number, now: Date): Collision[] {
  const due = new Map<number, string[]>();
  for (const user of users.slice(0, looked)) {
    for (const { dueAt } of nextWindows(user, now)) {
      const names = due.get(dueAt.getTime()) ?? [];
      due.set(dueAt.getTime(), names);
      names.push(user.name);
    }
  }
  return [...due]
    .filter(([, names]) => names.length > slots)
    .sort(([a], [b]) => a - b)
    .slice(0, shown)
    .map(([at, names]) => ({ at: new Date(at), pipelines: names.sort() }));
}
