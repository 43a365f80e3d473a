import { expect, test } from 'vitest';
import { quietSince } from '../../../controller/windows/quiet.ts';
import type { CompiledSchedule } from '../../../schemas/generated/types.ts';

const hourMs = 3_600_000;

function since(
  at: { start: string; calm?: string; now: string },
  more: Partial<CompiledSchedule> = {},
): string | undefined {
  const calendar = { every: { unit: 'day', count: 1 }, timeZone: 'UTC' } as const;
  const schedule = {
    calendar,
    startAt: null,
    endAt: null,
    delayMs: 0,
    deadlineMs: null,
    catchUp: 'all' as const,
    ...more,
  };
  const [start, calmAt, now] = [at.start, at.calm ?? '2026-01-01', at.now].map((text) => new Date(text)) as [
    Date,
    Date,
    Date,
  ];
  return quietSince({ schedule, start, calmAt, now })?.toISOString().slice(0, 16);
}

test('a pipeline without deadline is quiet when three windows are due and none has ended well', () => {
  expect(since({ start: '2026-01-10', now: '2026-01-12T23:59:59Z' })).toBeUndefined();
  expect(since({ start: '2026-01-10', now: '2026-01-13' })).toBe('2026-01-11T00:00');
});

test('a pipeline with a deadline is quiet when the window that is due next has passed it', () => {
  const deadline = { deadlineMs: 3 * hourMs, delayMs: hourMs };
  expect(since({ start: '2026-01-10', now: '2026-01-11T03:59:59Z' }, deadline)).toBeUndefined();
  expect(since({ start: '2026-01-10', now: '2026-01-11T04:00:00Z' }, deadline)).toBe('2026-01-11T01:00');
  expect(since({ start: '2026-01-10', now: '2026-01-13T01:00:00Z' }, { ...deadline, deadlineMs: 999 * hourMs })).toBe(
    '2026-01-11T01:00',
  );
});

test('a pipeline that catches up with years is not quiet while it succeeds, and one that is new is given its time', () => {
  const old = { start: '2019-01-01', now: '2026-01-12' };
  expect(since({ ...old, calm: '2026-01-10T00:00:01Z' })).toBeUndefined();
  expect(since({ ...old, calm: '2026-01-10T00:00:00Z' })).toBe('2026-01-10T00:00');
});

test('nothing is expected behind `endAt`', () => {
  expect(since({ start: '2026-01-10', now: '2027-01-01' }, { endAt: '2026-01-10T12:00:00Z' })).toBeUndefined();
});
