import { expect, test } from 'vitest';
import { advance } from '../../../controller/runs/advance.ts';
import { judgeWaits } from '../../../controller/runs/waits.ts';

const now = new Date('2026-01-08T00:00:00Z');
const wait = (isOver: boolean, more: { hasFailed?: boolean; giveUpAt?: string } = {}) => ({
  isOver,
  hasFailed: more.hasFailed ?? false,
  giveUpAt: new Date(more.giveUpAt ?? '2026-01-09T00:00:00Z'),
});
const past = '2026-01-08T00:00:00Z';

test('a run begins when all its waits are over, however late that is', () => {
  expect(judgeWaits([wait(true), wait(true, { giveUpAt: past, hasFailed: true })], now)).toBe('over');
  expect(judgeWaits([wait(true), wait(false)], now)).toBe('waits');
});

test('a failure of what it waits for ends it only with the longest wait, since a rerun may mend it', () => {
  expect(judgeWaits([wait(false, { hasFailed: true })], now)).toBe('waits');
  expect(judgeWaits([wait(false, { hasFailed: true, giveUpAt: past })], now)).toBe('UpstreamFailed');
  expect(judgeWaits([wait(false, { giveUpAt: past })], now)).toBe('TimedOut');
});

test('one wait that lasts too long ends it, whatever the others do', () => {
  expect(judgeWaits([wait(false), wait(true), wait(false, { giveUpAt: past })], now)).toBe('TimedOut');
});

test('the task of a wait has succeeded as soon as its run is admitted, and what needs it goes on', () => {
  const retry = { limit: 0, initialMs: 1, factor: 1, maxMs: 1 };
  const task = { phase: 'Pending', reason: null, lost: 0, retry, settled: null } as const;
  const ready = { ...task, name: 'ready', needs: [], isWait: true };
  const one = { ...task, name: 'one', needs: ['ready'] };
  const result = advance({ phase: 'Running', ending: null, tasks: [ready, one] }, () => null);
  expect(result.tasks.map(({ name, phase }) => [name, phase])).toEqual([
    ['ready', 'Succeeded'],
    ['one', 'Ready'],
  ]);
  const skipped = advance({ phase: 'Running', ending: null, tasks: [ready, one] }, () => 'ConditionFalse');
  expect(skipped.settled).toMatchObject({ phase: 'Skipped' });
  expect(advance({ phase: 'Running', ending: null, tasks: [ready] }, () => null).settled?.phase).toBe('Succeeded');
});
