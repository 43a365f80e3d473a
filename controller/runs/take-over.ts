import type { TaskPhase } from '../../schemas/generated/types.ts';

/** A task of the version that a rerun runs on, with what the run before it has of it. */
export type RerunTask = {
  readonly name: string;
  readonly blocks: readonly string[];
  readonly needs: readonly string[];
  /** Blocks of other tasks whose rows it reads. */
  readonly inputs: readonly string[];
  /** Its phase in the run before; null where that had no such task. */
  readonly formerly: TaskPhase | null;
  /** False where it was compiled from something else then. */
  readonly isUnchanged: boolean;
};

/** `start`: everything. `failed`: what has not succeeded. Else a task: it and all that is downstream of it. */
export type RerunFrom = 'start' | 'failed' | { readonly task: string };

export type RerunPlan = {
  /** Tasks that are not run again: their outcome is taken over. */
  readonly taken: readonly string[];
  /** Tasks before the starting point that run again all the same, and why. */
  readonly again: readonly { readonly task: string; readonly why: string }[];
};

/**
 * Which tasks a rerun takes over. `tasks` are in topological order; `isKept` says whether the rows of a block still exist. Pure.
 *
 * A task whose form changed runs again with all that is downstream of it. One whose rows are gone, and are asked for, runs again
 * alone: what it makes is what the others had, so what they have written need not be written twice.
 */
export function planRerun(
  tasks: readonly RerunTask[],
  from: RerunFrom,
  isKept: (task: string, block: string) => boolean,
): RerunPlan {
  const whys = new Map<string, string | null>();
  for (const task of tasks) {
    const why = whyAgain(task, from, whys);
    if (why !== undefined) whys.set(task.name, why);
  }
  // Against the order of the data: a task that runs again for its rows asks for rows itself.
  for (const task of tasks.toReversed()) {
    if (whys.has(task.name)) continue;
    const readers = tasks.filter(({ name }) => whys.has(name));
    const gone = task.blocks.find(
      (block) => readers.some(({ inputs }) => inputs.includes(block)) && !isKept(task.name, block),
    );
    if (gone !== undefined) whys.set(task.name, `the rows of its block "${gone}" are no longer kept`);
  }
  return {
    taken: tasks.map(({ name }) => name).filter((name) => !whys.has(name)),
    again: tasks.flatMap(({ name }) => {
      const why = whys.get(name);
      return why ? [{ task: name, why }] : [];
    }),
  };
}

/** Undefined: it is taken over. Null: it runs because that was asked for. Else why it runs although it was not. */
function whyAgain(
  { name, needs, formerly, isUnchanged }: RerunTask,
  from: RerunFrom,
  before: ReadonlyMap<string, string | null>,
): string | null | undefined {
  if (from === 'start' || (typeof from === 'object' && from.task === name)) return null;
  const again = needs.filter((need) => before.has(need));
  if (again.some((need) => before.get(need) === null)) return null;
  if (formerly !== 'Succeeded') return from === 'failed' ? null : notSucceeded(formerly);
  if (!isUnchanged) return 'its manifest has changed';
  return again.length === 0 ? undefined : `task "${again[0]}", which it needs, runs again`;
}

function notSucceeded(formerly: TaskPhase | null): string {
  return formerly === null ? 'the run before had no such task' : `in the run before it was ${formerly}`;
}
