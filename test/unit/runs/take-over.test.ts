import { expect, test } from 'vitest';
import { planRerun, type RerunFrom, type RerunTask } from '../../../controller/runs/take-over.ts';

const task = (name: string, needs: string[] = [], more: Partial<RerunTask> = {}): RerunTask => ({
  name,
  blocks: [name],
  needs,
  inputs: needs,
  formerly: 'Succeeded',
  isUnchanged: true,
  ...more,
});
const kept = () => true;

/** load → clean → export, and load → count beside it. */
const tasks = (change: Record<string, Partial<RerunTask>> = {}) =>
  [task('load'), task('clean', ['load']), task('count', ['load']), task('export', ['clean'])].map((each) => ({
    ...each,
    ...change[each.name],
  }));
const failed = { export: { formerly: 'Failed' as const } };

test('from the start takes nothing over', () => {
  expect(planRerun(tasks(failed), 'start', kept)).toEqual({ taken: [], again: [] });
});

test('from what failed takes over all that succeeded', () => {
  expect(planRerun(tasks(failed), 'failed', kept)).toEqual({ taken: ['load', 'clean', 'count'], again: [] });
});

test('from a task runs it and all downstream of it, whether or not they succeeded', () => {
  expect(planRerun(tasks(), { task: 'clean' }, kept)).toEqual({ taken: ['load', 'count'], again: [] });
  expect(planRerun(tasks(), { task: 'load' }, kept)).toEqual({ taken: [], again: [] });
});

test('from a task runs what failed beside it too, and says so', () => {
  const change = { count: { formerly: 'Failed' as const }, export: { formerly: null } };
  expect(planRerun(tasks(change), { task: 'export' }, kept)).toEqual({
    taken: ['load', 'clean'],
    again: [{ task: 'count', why: 'in the run before it was Failed' }],
  });
});

test('a task that was compiled from something else runs again with all that needs it', () => {
  const change = { ...failed, clean: { isUnchanged: false } };
  expect(planRerun(tasks(change), 'failed', kept)).toEqual({
    taken: ['load', 'count'],
    again: [{ task: 'clean', why: 'its manifest has changed' }],
  });
  const first = { ...failed, load: { isUnchanged: false } };
  expect(planRerun(tasks(first), 'failed', kept).again).toEqual([
    { task: 'load', why: 'its manifest has changed' },
    { task: 'clean', why: 'task "load", which it needs, runs again' },
    { task: 'count', why: 'task "load", which it needs, runs again' },
  ]);
});

test('a task whose rows are gone runs again alone, and what it reads itself with it', () => {
  const gone = (missing: string[]) => (_: string, block: string) => !missing.includes(block);
  expect(planRerun(tasks(failed), 'failed', gone(['clean']))).toEqual({
    taken: ['load', 'count'],
    again: [{ task: 'clean', why: 'the rows of its block "clean" are no longer kept' }],
  });
  expect(planRerun(tasks(failed), 'failed', gone(['clean', 'load']))).toEqual({
    taken: ['count'],
    again: [
      { task: 'load', why: 'the rows of its block "load" are no longer kept' },
      { task: 'clean', why: 'the rows of its block "clean" are no longer kept' },
    ],
  });
});

test('rows that nothing asks for may be gone', () => {
  expect(planRerun(tasks(failed), 'failed', (_, block) => block === 'clean').taken).toEqual(['load', 'clean', 'count']);
});

test('a task that is new since then runs, and what was there before it is taken over', () => {
  const from: RerunFrom = 'failed';
  const list = [...tasks(failed), task('report', ['clean'], { formerly: null })];
  expect(planRerun(list, from, kept)).toEqual({ taken: ['load', 'clean', 'count'], again: [] });
});
