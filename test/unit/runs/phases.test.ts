import fc from 'fast-check';
import { expect, it } from 'vitest';
import { advance, type RunState, type TaskState } from '../../../controller/runs/advance.ts';
import { isSettled, runTransitions, taskTransitions } from '../../../controller/runs/phases.ts';
import type { TaskPhase } from '../../../schemas/generated/types.ts';

const taskPhases = Object.keys(taskTransitions) as TaskPhase[];

const settled = fc.option(
  fc.record({
    number: fc.integer({ min: 1, max: 12 }),
    phase: fc.constantFrom('Succeeded', 'Failed', 'Lost', 'Cancelled'),
    reason: fc.constantFrom(null, 'LoadFailed', 'CheckFailed', 'TimedOut'),
    message: fc.constant(null),
  }),
);

const tasks = fc.array(
  fc.record({
    phase: fc.constantFrom(...taskPhases),
    settled,
    lost: fc.integer({ min: 0, max: 9 }),
    limit: fc.integer({ min: 0, max: 3 }),
  }),
  {
    minLength: 1,
    maxLength: 6,
  },
);

const state = fc.record({ ending: fc.constantFrom(null, 'CancelledByRequest', 'TimedOut'), tasks }).map(
  ({ ending, tasks: drawn }): RunState => ({
    phase: 'Running',
    ending,
    tasks: drawn.map(
      (each, index): TaskState => ({
        name: `t${index}`,
        needs: index === 0 ? [] : [`t${index - 1}`],
        phase: each.phase,
        reason: null,
        lost: each.lost,
        retry: { limit: each.limit, initialMs: 1, factor: 2, maxMs: 10 },
        settled: each.settled,
      }),
    ),
  }),
);

it('makes only transitions that the tables allow', () => {
  fc.assert(
    fc.property(state, (run) => {
      const result = advance(run, () => null);
      for (const change of result.tasks) expect(taskTransitions[change.from]).toContain(change.phase);
      if (result.settled) expect(runTransitions.Running).toContain(result.settled.phase);
    }),
  );
});

it('settles a run exactly when all its tasks have settled', () => {
  fc.assert(
    fc.property(state, (run) => {
      const result = advance(run, () => null);
      const changed = new Map(result.tasks.map((change) => [change.name, change.phase]));
      const all = run.tasks.every((task) => isSettled(changed.get(task.name) ?? task.phase));
      expect(result.settled !== null).toBe(all);
    }),
  );
});

it('leaves a run alone that has nothing new, however often it looks', () => {
  fc.assert(
    fc.property(state, (run) => {
      const changed = new Map(advance(run, () => null).tasks.map((change) => [change.name, change]));
      const later = run.tasks.map((task) => {
        const change = changed.get(task.name);
        return change
          ? { ...task, phase: change.phase, reason: change.reason, lost: change.lost, settled: null }
          : task;
      });
      const again = advance(
        { ...run, tasks: later.map((task) => (task.phase === 'Running' ? { ...task, settled: null } : task)) },
        () => null,
      );
      expect(again.tasks).toEqual([]);
    }),
  );
});
