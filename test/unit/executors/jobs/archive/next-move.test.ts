import { expect, test } from 'vitest';
import { nextMove } from '../../../../../controller/executors/jobs/archive/next-move.ts';
import type { LogState } from '../../../../../controller/executors/jobs/archive/port.ts';
import type { Job, Pod } from '../../../../../controller/executors/jobs/kinds.ts';

const second = (n: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, n)).toISOString();
const now = Date.parse(second(10));

function pod(name: string, born: number, state: object, more: object = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'jobs', creationTimestamp: second(born), ...more },
    status: { containerStatuses: [{ name: 'runner', state }] },
  };
}
const running = (from: number) => ({ running: { startedAt: second(from) } });
const ended = { terminated: { exitCode: 0 } };

function job(end: number | null = null): Job {
  const conditions = end === null ? [] : [{ type: 'Complete', status: 'True', lastTransitionTime: second(end) }];
  return { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'a', namespace: 'jobs' }, status: { conditions } };
}

const state = (more: Partial<LogState> = {}): LogState => ({
  settled: false,
  size: 0,
  endedSources: [],
  source: null,
  mark: null,
  closed: false,
  incomplete: false,
  ...more,
});

function move(
  sight: { job?: Job | null; pods?: Pod[] },
  kept: LogState | null = state(),
  more: { hasFailed?: boolean; giveUpMs?: number } = {},
): string {
  const options = { now, followAfterMs: 2_000, giveUpMs: 60_000, hasFailed: false, ...more };
  const next = nextMove({ job: job(), pods: [], ...sight }, kept, options);
  if ('source' in next) return `${next.kind} ${next.source.name}`;
  return next.kind === 'close' && next.incomplete ? 'give up' : next.kind;
}

test('a container is followed once it has run for a while', () => {
  expect(move({ pods: [pod('p', 0, { waiting: {} })] })).toBe('wait');
  expect(move({ pods: [pod('p', 0, running(9))] })).toBe('wait');
  expect(move({ pods: [pod('p', 0, running(8))] })).toBe('follow p/runner');
});

test('a container whose pod is being deleted is followed at once, since its log goes with it', () => {
  expect(move({ pods: [pod('p', 0, running(10), { deletionTimestamp: second(10) })] })).toBe('follow p/runner');
  expect(move({ job: null, pods: [pod('p', 0, running(10), { deletionTimestamp: second(10) })] })).toBe(
    'follow p/runner',
  );
});

test('what a container has written is read when it has ended, the pods one after the other', () => {
  const pods = [pod('second', 5, running(5)), pod('first', 0, ended)];
  expect(move({ pods })).toBe('read first/runner');
  expect(move({ pods }, state({ endedSources: ['first/runner'] }))).toBe('follow second/runner');
});

test('a Job is let go when its log is kept and its outcome too', () => {
  const sight = { job: job(5), pods: [pod('p', 0, ended)] };
  const kept = { endedSources: ['p/runner'] };
  expect(move(sight)).toBe('read p/runner');
  expect(move(sight, state(kept))).toBe('wait');
  expect(move(sight, state({ ...kept, settled: true }))).toBe('close');
  expect(move({ ...sight, job: job() }, state({ ...kept, settled: true }))).toBe('wait');
});

test('a Job without a pod is let go when its outcome is kept', () => {
  expect(move({ job: job(5) }, state({ settled: true }))).toBe('close');
  expect(move({ job: job(5), pods: [pod('p', 0, { waiting: {} })] }, state({ settled: true }))).toBe('close');
});

test('a Job whose log is closed, and one that the ledger does not know, are let go when they have ended', () => {
  expect(move({ job: job(5) }, state({ closed: true, settled: true }))).toBe('close');
  expect(move({ job: job(5) }, null)).toBe('close');
  expect(move({ job: job() }, null)).toBe('wait');
});

test('a log that cannot be read is given up after its time, and an outcome never', () => {
  const sight = { job: job(0), pods: [pod('p', 0, ended)] };
  const late = { hasFailed: true, giveUpMs: 9_000 };
  expect(move(sight, state({ settled: true }), late)).toBe('give up');
  expect(move(sight, state({ settled: true }), { ...late, giveUpMs: 11_000 })).toBe('read p/runner');
  expect(move(sight, state({ settled: true }), { ...late, hasFailed: false })).toBe('read p/runner');
  expect(move(sight, state(), late)).toBe('read p/runner');
});

test('what a lost node never says has ended is read when its Job has', () => {
  expect(move({ job: job(5), pods: [pod('p', 0, running(0))] })).toBe('read p/runner');
});
