import { describe, expect, it } from 'vitest';
import {
  type Advance,
  advance,
  type ConditionOf,
  type RunState,
  type TaskState,
} from '../../../controller/runs/advance.ts';

const retry = { limit: 0, initialMs: 1000, factor: 2, maxMs: 10_000 };
const holds: ConditionOf = () => null;

function task(name: string, more: Partial<TaskState> = {}): TaskState {
  return { name, needs: [], phase: 'Pending', reason: null, lost: 0, retry, settled: null, ...more };
}

function running(...tasks: TaskState[]): RunState {
  return { phase: 'Running', ending: null, tasks };
}

function after(result: Advance): Record<string, string> {
  return Object.fromEntries(result.tasks.map((change) => [change.name, change.phase]));
}

const succeeded = { number: 1, phase: 'Succeeded', reason: null, message: null } as const;
const failed = { number: 1, phase: 'Failed', reason: 'LoadFailed', message: 'no answer' } as const;
const lost = { number: 1, phase: 'Lost', reason: 'Lost', message: 'gone' } as const;

describe('a run that goes on', () => {
  it('makes tasks ready whose needs have succeeded, and leaves the others', () => {
    const result = advance(running(task('a'), task('b', { needs: ['a'] })), holds);
    expect(after(result)).toEqual({ a: 'Ready' });
    expect(result.settled).toBeNull();
  });

  it('goes from an attempt that succeeded to the next task in the same pass', () => {
    const result = advance(
      running(task('a', { phase: 'Running', settled: succeeded }), task('b', { needs: ['a'] })),
      holds,
    );
    expect(after(result)).toEqual({ a: 'Succeeded', b: 'Ready' });
  });

  it('settles as Succeeded when the last task has', () => {
    const result = advance(
      running(task('a', { phase: 'Succeeded' }), task('b', { phase: 'Running', settled: succeeded })),
      holds,
    );
    expect(result.settled).toEqual({ phase: 'Succeeded', reason: null, message: null });
  });

  it('fails with the reason and message of the task that failed, and skips everything behind it', () => {
    const result = advance(
      running(
        task('a', { phase: 'Running', settled: failed }),
        task('b', { needs: ['a'] }),
        task('c', { needs: ['b'] }),
      ),
      holds,
    );
    expect(result.tasks.map(({ name, phase, reason }) => [name, phase, reason])).toEqual([
      ['a', 'Failed', 'LoadFailed'],
      ['b', 'Skipped', 'UpstreamFailed'],
      ['c', 'Skipped', 'UpstreamFailed'],
    ]);
    expect(result.settled).toEqual({ phase: 'Failed', reason: 'LoadFailed', message: 'task "a": no answer' });
  });

  it('lets an independent branch finish before it fails', () => {
    const result = advance(
      running(task('a', { phase: 'Running', settled: failed }), task('b', { phase: 'Running' })),
      holds,
    );
    expect(after(result)).toEqual({ a: 'Failed' });
    expect(result.settled).toBeNull();
  });

  it('skips a task whose condition is false and what is downstream of it', () => {
    const result = advance(running(task('a'), task('b', { needs: ['a'] })), () => 'ConditionFalse');
    expect(result.tasks.map(({ phase, reason }) => [phase, reason])).toEqual([
      ['Skipped', 'ConditionFalse'],
      ['Skipped', 'UpstreamSkipped'],
    ]);
    expect(result.settled).toMatchObject({ phase: 'Skipped', reason: 'ConditionFalse' });
  });

  it('fails a task whose condition can not be evaluated', () => {
    expect(advance(running(task('a')), () => 'ExpressionFailed').settled).toMatchObject({
      phase: 'Failed',
      reason: 'ExpressionFailed',
    });
  });
});

describe('retries', () => {
  const twice = { ...retry, limit: 2 };

  it('waits longer after each failure, and stops at the limit', () => {
    const waits = [1, 2, 3].map((number) => {
      const result = advance(
        running(task('a', { phase: 'Running', retry: twice, settled: { ...failed, number } })),
        holds,
      );
      return result.tasks[0]?.phase === 'Ready' ? result.tasks[0].afterMs : result.settled?.phase;
    });
    expect(waits).toEqual([1000, 2000, 'Failed']);
  });

  it('does not retry what can not change by itself', () => {
    const result = advance(
      running(task('a', { phase: 'Running', retry: twice, settled: { ...failed, reason: 'CheckFailed' } })),
      holds,
    );
    expect(result.settled).toMatchObject({ phase: 'Failed', reason: 'CheckFailed' });
  });

  it('tries a lost attempt again at once, apart from the policy, and counts it', () => {
    const result = advance(running(task('a', { phase: 'Running', settled: lost })), holds);
    expect(result.tasks).toEqual([{ name: 'a', from: 'Running', phase: 'Ready', reason: 'Lost', lost: 1, afterMs: 0 }]);
  });

  it('does not count lost attempts as failures', () => {
    const settled = { ...failed, number: 4 };
    const result = advance(running(task('a', { phase: 'Running', retry: twice, lost: 2, settled })), holds);
    expect(after(result)).toEqual({ a: 'Ready' });
  });

  it('fails as LostTooOften when ten attempts were lost', () => {
    const result = advance(running(task('a', { phase: 'Running', lost: 9, settled: { ...lost, number: 10 } })), holds);
    expect(result.settled).toMatchObject({ phase: 'Failed', reason: 'LostTooOften' });
  });
});

describe('a run that must end', () => {
  it('cancels what has not begun and stops what runs', () => {
    const result = advance(
      {
        phase: 'Running',
        ending: 'CancelledByRequest',
        tasks: [task('a', { phase: 'Running' }), task('b', { phase: 'Ready' })],
      },
      holds,
    );
    expect(after(result)).toEqual({ b: 'Cancelled' });
    expect(result.stop).toEqual(['a']);
    expect(result.settled).toBeNull();
  });

  it('is Cancelled once its tasks have stopped, and a stopped attempt is not tried again', () => {
    const settled = { number: 1, phase: 'Cancelled', reason: 'CancelledByRequest', message: null } as const;
    const tasks = [task('a', { phase: 'Running', settled, retry: { ...retry, limit: 5 } })];
    expect(advance({ phase: 'Running', ending: 'CancelledByRequest', tasks }, holds).settled).toMatchObject({
      phase: 'Cancelled',
      reason: 'CancelledByRequest',
    });
  });

  it('keeps what succeeded while it was being cancelled', () => {
    const tasks = [task('a', { phase: 'Running', settled: succeeded })];
    expect(advance({ phase: 'Running', ending: 'CancelledByRequest', tasks }, holds).settled).toMatchObject({
      phase: 'Succeeded',
    });
  });

  it('fails as TimedOut when its deadline has passed', () => {
    const tasks = [task('a', { phase: 'Succeeded' }), task('b', { phase: 'Ready' })];
    expect(advance({ phase: 'Running', ending: 'TimedOut', tasks }, holds).settled).toMatchObject({
      phase: 'Failed',
      reason: 'TimedOut',
    });
  });

  it('is Cancelled at once while it is queued', () => {
    const result = advance({ phase: 'Queued', ending: 'PipelineRetired', tasks: [] }, holds);
    expect(result.settled).toEqual({ phase: 'Cancelled', reason: 'PipelineRetired', message: null });
  });
});

it('gives the same answer for the same state', () => {
  const state = running(task('a', { phase: 'Running', settled: failed }), task('b', { needs: ['a'] }));
  expect(advance(state, holds)).toEqual(advance(state, holds));
});
