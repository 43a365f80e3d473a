import { expect, test } from 'vitest';
import { windowsOfSpan } from '../../../controller/windows/span.ts';
import type { CalendarSpec, CompiledSchedule } from '../../../schemas/generated/types.ts';

const month: CalendarSpec = { every: { unit: 'month', count: 1 }, timeZone: 'UTC' };
const week: CalendarSpec = { every: { unit: 'week', count: 1 }, timeZone: 'UTC' };
const schedule: CompiledSchedule = {
  calendar: week,
  startAt: '2026-03-01T00:00:00Z',
  endAt: '2026-05-05T00:00:00Z',
  delayMs: 3_600_000,
  deadlineMs: null,
  catchUp: 'all',
};
const calendars = [
  { id: 1, spec: month, beginsAt: null },
  { id: 2, spec: week, beginsAt: new Date('2026-04-01T00:00:00Z') },
];

function labels(from: string, to: string, limit = 100): string[] {
  const input = { calendars, schedule, from: new Date(from), to: new Date(to), limit };
  return windowsOfSpan(input).map(({ label }) => label);
}

test('a span is cut by each calendar while it governed: the first reaches back before startAt, the last to endAt', () => {
  expect(labels('2026-01-15', '2027-01-01')).toEqual([
    '2026-02',
    '2026-03',
    '2026-04-01',
    '2026-w15',
    '2026-w16',
    '2026-w17',
    '2026-w18',
  ]);
});

test('a span holds the windows that begin in it, and no more than its limit', () => {
  expect(labels('2026-02-01', '2026-03-01')).toEqual(['2026-02']);
  expect(labels('2026-02-02', '2026-03-01')).toEqual([]);
  expect(labels('2026-02-01', '2027-01-01', 3)).toEqual(['2026-02', '2026-03', '2026-04-01']);
});

test('a window of a span knows when it is due', () => {
  const [first] = windowsOfSpan({
    calendars,
    schedule,
    from: new Date('2026-02-01'),
    to: new Date('2026-02-02'),
    limit: 1,
  });
  expect(first?.dueAt).toEqual(new Date('2026-03-01T01:00:00Z'));
});
