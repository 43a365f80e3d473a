import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DueWindow, initialCursor, latestClosedWindow, planDue } from '../../../controller/windows/due.ts';
import type { CompiledSchedule } from '../../../schemas/generated/types.ts';
import { zones } from './zones.ts';

const hourMs = 3_600_000;

function schedule(more: Partial<CompiledSchedule> = {}): CompiledSchedule {
  const calendar = { every: { unit: 'day', count: 1 }, timeZone: 'UTC' } as const;
  return { calendar, startAt: null, endAt: null, delayMs: 0, deadlineMs: null, catchUp: 'all', ...more };
}

function plan(given: CompiledSchedule, cursor: string, now: string, limit = 100) {
  return planDue({ schedule: given, cursor: new Date(cursor), now: new Date(now), limit });
}

const labels = (windows: readonly DueWindow[]) => windows.map((window) => window.label);

describe('the first window', () => {
  const now = new Date('2026-01-10T12:00:00Z');

  test('begins at the first boundary at or after `startAt`, whatever the catch-up', () => {
    const monthly = { calendar: { every: { unit: 'month', count: 1 }, timeZone: 'America/New_York' } } as const;
    for (const catchUp of ['all', 'latest', 'none'] as const) {
      const first = (startAt: string) =>
        initialCursor({ schedule: schedule({ ...monthly, catchUp, startAt }), firstSyncAt: now });
      expect(first('2019-01-01T05:00:00Z')).toEqual(new Date('2019-01-01T05:00:00Z'));
      expect(first('2019-01-01T05:00:01Z')).toEqual(new Date('2019-02-01T05:00:00Z'));
    }
  });

  test('without `startAt` is the last closed one for `latest`, and the next one for `all` and `none`', () => {
    const first = (catchUp: CompiledSchedule['catchUp']) =>
      initialCursor({ schedule: schedule({ catchUp }), firstSyncAt: now });
    expect(first('latest')).toEqual(new Date('2026-01-09T00:00:00Z'));
    expect(first('all')).toEqual(new Date('2026-01-11T00:00:00Z'));
    expect(first('none')).toEqual(new Date('2026-01-11T00:00:00Z'));
  });

  test('of a new `latest` pipeline is due at once', () => {
    const latest = schedule({ catchUp: 'latest' });
    const due = planDue({
      schedule: latest,
      cursor: initialCursor({ schedule: latest, firstSyncAt: now }),
      now,
      limit: 10,
    });
    expect(labels(due.windows)).toEqual(['2026-01-09']);
    expect(due).toMatchObject({
      skipped: [],
      cursor: new Date('2026-01-10T00:00:00Z'),
      nextDueAt: new Date('2026-01-11T00:00:00Z'),
    });
  });
});

describe('catch-up `all`', () => {
  test('gives every window that is due, oldest first, and stops at the limit with the next one due in the past', () => {
    const first = plan(schedule(), '2026-01-01T00:00:00Z', '2026-01-06T03:00:00Z', 3);
    expect(labels(first.windows)).toEqual(['2026-01-01', '2026-01-02', '2026-01-03']);
    expect(first.nextDueAt).toEqual(new Date('2026-01-05T00:00:00Z'));
    const second = plan(schedule(), first.cursor.toISOString(), '2026-01-06T03:00:00Z', 3);
    expect(labels(second.windows)).toEqual(['2026-01-04', '2026-01-05']);
    expect(second.nextDueAt).toEqual(new Date('2026-01-07T00:00:00Z'));
  });

  test('lets a window be due `delay` after its end, at that very instant, and late `deadline` after that', () => {
    const delayed = schedule({ delayMs: 30 * hourMs, deadlineMs: 3 * hourMs });
    expect(plan(delayed, '2026-01-01T00:00:00Z', '2026-01-03T05:59:59.999Z').windows).toEqual([]);
    const [window] = plan(delayed, '2026-01-01T00:00:00Z', '2026-01-03T06:00:00Z').windows;
    expect(window).toMatchObject({
      dueAt: new Date('2026-01-03T06:00:00Z'),
      deadlineAt: new Date('2026-01-03T09:00:00Z'),
    });
  });

  test('ends with the last window that does not cross `endAt`', () => {
    const ending = schedule({ endAt: '2026-01-03T12:00:00Z' });
    const due = plan(ending, '2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z');
    expect(labels(due.windows)).toEqual(['2026-01-01', '2026-01-02']);
    expect(due.nextDueAt).toBeNull();
    expect(plan(ending, due.cursor.toISOString(), '2027-01-01T00:00:00Z')).toMatchObject({
      windows: [],
      nextDueAt: null,
    });
  });

  test('cuts a first short window where a changed calendar took over', () => {
    const { windows } = plan(schedule(), '2026-01-01T18:00:00Z', '2026-01-03T00:00:00Z');
    expect(labels(windows)).toEqual(['20260101t1800z', '2026-01-02']);
    expect(windows[0]).toMatchObject({
      start: new Date('2026-01-01T18:00:00Z'),
      end: new Date('2026-01-02T00:00:00Z'),
    });
  });

  test('gives nothing when clocks stand before the cursor', () => {
    const due = plan(schedule(), '2026-01-05T00:00:00Z', '2026-01-01T00:00:00Z');
    expect(due).toMatchObject({ windows: [], skipped: [], cursor: new Date('2026-01-05T00:00:00Z') });
  });

  test('comes to the same windows in many small steps as in one big step, and from the same rows to the same plan', () => {
    const input = fc.record({
      timeZone: fc.constantFrom(...zones),
      unit: fc.constantFrom('hour' as const, 'day' as const, 'week' as const),
      start: fc.date({ min: new Date('2005-01-01'), max: new Date('2020-01-01'), noInvalidDate: true }),
      steps: fc.array(fc.integer({ min: 0, max: 60 * hourMs }), { minLength: 1, maxLength: 8 }),
      limit: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(input, ({ timeZone, unit, start, steps, limit }) => {
        const given = schedule({
          calendar: { every: { unit, count: 1 }, timeZone },
          startAt: start.toISOString(),
          delayMs: hourMs,
        });
        const begin = initialCursor({ schedule: given, firstSyncAt: start });
        const end = new Date(begin.getTime() + steps.reduce((sum, step) => sum + step, 0));
        const whole = planDue({ schedule: given, cursor: begin, now: end, limit: 10_000 });
        const found: DueWindow[] = [];
        let [cursor, now] = [begin, begin];
        for (const step of steps) {
          now = new Date(now.getTime() + step);
          for (;;) {
            const part = planDue({ schedule: given, cursor, now, limit });
            expect(planDue({ schedule: given, cursor, now, limit })).toEqual(part);
            found.push(...part.windows);
            cursor = part.cursor;
            if (part.nextDueAt && part.nextDueAt > now) break;
          }
        }
        expect(found).toEqual(whole.windows);
        expect(cursor).toEqual(whole.cursor);
      }),
      { numRuns: 100 },
    );
  });
});

describe('catch-up `latest`', () => {
  const latest = (more: Partial<CompiledSchedule> = {}) => schedule({ catchUp: 'latest', ...more });

  test('gives only the newest due window, and one stretch for all before it', () => {
    const due = plan(latest(), '2026-01-01T00:00:00Z', '2026-01-06T03:00:00Z');
    expect(labels(due.windows)).toEqual(['2026-01-05']);
    const [start, end] = [new Date('2026-01-01T00:00:00Z'), new Date('2026-01-05T00:00:00Z')];
    expect(due.skipped).toEqual([{ start, end, windows: 4, reason: 'CatchUpLatest' }]);
  });

  test('skips nothing when only one window is due, and gives nothing twice', () => {
    const due = plan(latest(), '2026-01-05T00:00:00Z', '2026-01-06T03:00:00Z');
    expect(due).toMatchObject({ skipped: [], cursor: new Date('2026-01-06T00:00:00Z') });
    expect(labels(due.windows)).toEqual(['2026-01-05']);
    expect(plan(latest(), '2026-01-06T00:00:00Z', '2026-01-06T03:00:00Z')).toMatchObject({ windows: [], skipped: [] });
  });

  test('skips years of minutes at once', () => {
    const minutes = latest({ calendar: { every: { unit: 'minute', count: 1 }, timeZone: 'UTC' } });
    const due = plan(minutes, '1990-01-01T00:00:00Z', '2026-01-01T00:00:00Z');
    expect(due.skipped[0]!.windows).toBe((Date.UTC(2026, 0) - Date.UTC(1990, 0)) / 60_000 - 1);
    expect(labels(due.windows)).toEqual(['20251231t2359z']);
  });

  test('gives the last window before `endAt` when that has passed', () => {
    const due = plan(latest({ endAt: '2026-01-03T00:00:00Z' }), '2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z');
    expect(labels(due.windows)).toEqual(['2026-01-02']);
    expect(due.nextDueAt).toBeNull();
  });

  test('counts the short window of a changed calendar among the skipped', () => {
    const due = plan(latest(), '2026-01-01T18:00:00Z', '2026-01-04T00:00:00Z');
    expect(due.skipped).toMatchObject([
      { start: new Date('2026-01-01T18:00:00Z'), end: new Date('2026-01-03T00:00:00Z'), windows: 2 },
    ]);
  });
});

describe('catch-up `none`', () => {
  const none = (more: Partial<CompiledSchedule> = {}) => schedule({ catchUp: 'none', ...more });

  test('runs a window that is found within ten minutes of its due time', () => {
    const due = plan(none(), '2026-01-05T00:00:00Z', '2026-01-06T00:10:00Z');
    expect(labels(due.windows)).toEqual(['2026-01-05']);
    expect(due.skipped).toEqual([]);
  });

  test('skips a window that is found later', () => {
    const due = plan(none(), '2026-01-04T00:00:00Z', '2026-01-06T00:10:00.001Z');
    expect(due.windows).toEqual([]);
    expect(due.skipped).toMatchObject([
      {
        start: new Date('2026-01-04T00:00:00Z'),
        end: new Date('2026-01-06T00:00:00Z'),
        windows: 2,
        reason: 'CatchUpNone',
      },
    ]);
    expect(due).toMatchObject({
      cursor: new Date('2026-01-06T00:00:00Z'),
      nextDueAt: new Date('2026-01-07T00:00:00Z'),
    });
  });

  test('never skips a window that is not due yet, nor one past `endAt`', () => {
    const delayed = none({ delayMs: 5 * hourMs });
    expect(plan(delayed, '2026-01-05T00:00:00Z', '2026-01-06T03:00:00Z')).toMatchObject({
      windows: [],
      skipped: [],
      nextDueAt: new Date('2026-01-06T05:00:00Z'),
    });
    const ended = plan(none({ endAt: '2026-01-03T12:00:00Z' }), '2026-01-01T00:00:00Z', '2026-06-01T00:00:00Z');
    expect(ended).toMatchObject({ windows: [], cursor: new Date('2026-01-03T00:00:00Z'), nextDueAt: null });
  });

  test('runs the windows of the last ten minutes where windows are short', () => {
    const minutes = none({
      calendar: { every: { unit: 'minute', count: 5 }, timeZone: 'UTC', anchor: '2026-01-01T00:00' },
    });
    const due = plan(minutes, '2026-01-01T00:00:00Z', '2026-01-01T01:02:00Z');
    expect(labels(due.windows)).toEqual(['20260101t0050z', '20260101t0055z']);
    expect(due.skipped).toMatchObject([{ end: new Date('2026-01-01T00:50:00Z'), windows: 10 }]);
  });
});

describe('the latest closed window', () => {
  test('is the newest that has ended, and lies before `endAt`', () => {
    expect(latestClosedWindow(schedule(), new Date('2026-01-06T00:00:00Z'))).toMatchObject({ label: '2026-01-05' });
    const ended = schedule({ endAt: '2026-01-03T12:00:00Z' });
    expect(latestClosedWindow(ended, new Date('2026-06-01T00:00:00Z'))).toMatchObject({ label: '2026-01-02' });
  });

  test('does not exist before the first window has closed', () => {
    const starting = schedule({ startAt: '2026-01-05T00:00:00Z' });
    expect(latestClosedWindow(starting, new Date('2026-01-05T12:00:00Z'))).toBeNull();
    expect(latestClosedWindow(starting, new Date('2026-01-06T00:00:00Z'))).toMatchObject({ label: '2026-01-05' });
    const takenOver = { beginsAt: new Date('2026-01-05T12:00:00Z') };
    expect(latestClosedWindow(schedule(), new Date('2026-01-05T23:00:00Z'), takenOver)).toBeNull();
    expect(latestClosedWindow(schedule(), new Date('2026-01-06T01:00:00Z'), takenOver)).toMatchObject({
      label: '20260105t1200z',
    });
  });
});

describe('catch-up `all` with `maxWindows`', () => {
  const most = (maxWindows: number) => schedule({ catchUpLimits: { maxWindows } });

  test('gives the newest due windows, and one stretch for all before them', () => {
    const due = plan(most(2), '2026-01-01T00:00:00Z', '2026-01-06T03:00:00Z');
    expect(labels(due.windows)).toEqual(['2026-01-04', '2026-01-05']);
    const [start, end] = [new Date('2026-01-01T00:00:00Z'), new Date('2026-01-04T00:00:00Z')];
    expect(due.skipped).toEqual([{ start, end, windows: 3, reason: 'CatchUpLimit' }]);
  });

  test('skips nothing when no more are due than that, also where the first one is short', () => {
    expect(plan(most(5), '2026-01-01T00:00:00Z', '2026-01-06T03:00:00Z').skipped).toEqual([]);
    const due = plan(most(3), '2026-01-03T18:00:00Z', '2026-01-06T03:00:00Z');
    expect([labels(due.windows), due.skipped]).toEqual([['20260103t1800z', '2026-01-04', '2026-01-05'], []]);
    expect(plan(most(1), '2026-01-06T00:00:00Z', '2026-01-06T03:00:00Z')).toMatchObject({ windows: [], skipped: [] });
  });

  test('passes over thousands of years of days at once', () => {
    const due = plan(most(1), '0001-01-01T00:00:00Z', '2026-01-01T00:00:00Z');
    expect(due.skipped).toMatchObject([{ windows: 739_615, reason: 'CatchUpLimit' }]);
  });
});
