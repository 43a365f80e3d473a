import type { BackfillPublication, PipelinePublication, RunPublication } from '../../../schemas/publications.ts';

export function runRow(more: Partial<RunPublication> = {}): RunPublication {
  return {
    id: 1,
    name: 'trips-2019-01',
    pipeline: 'trips',
    window: { start: new Date('2019-01-01T05:00:00Z'), end: new Date('2019-02-01T05:00:00Z'), label: '2019-01' },
    runNo: 1,
    trigger: 'schedule',
    phase: 'Queued',
    reason: null,
    message: null,
    variables: {},
    queuedAt: new Date('2019-02-01T06:00:00Z'),
    startedAt: null,
    finishedAt: null,
    tasks: { done: 0, total: 2 },
    version: 'a'.repeat(64),
    revision: 'abc123',
    place: null,
    origin: null,
    newer: 0,
    ...more,
  };
}

export function pipelineRow(more: Partial<PipelinePublication> = {}): PipelinePublication {
  const calendar = { every: { unit: 'month', count: 1 }, timeZone: 'America/New_York' } as const;
  return {
    id: 1,
    name: 'trips',
    description: null,
    source: 'local',
    file: 'trips.yaml',
    revision: 'abc123',
    version: 'a'.repeat(64),
    bundle: 'b'.repeat(64),
    calendar,
    schedule: { calendar, startAt: null, endAt: null, delayMs: 0, deadlineMs: null, catchUp: 'latest' },
    maxActiveRuns: 1,
    whenBusy: 'queue',
    priority: 0,
    pool: null,
    timeoutMs: null,
    suspended: false,
    suspendedBySource: false,
    retired: false,
    ready: true,
    problem: null,
    scheduleFailure: null,
    late: null,
    nextDueAt: null,
    lastRun: null,
    activeRuns: 0,
    queuedRuns: 0,
    ...more,
  };
}

export function backfillRow(more: Partial<BackfillPublication> = {}): BackfillPublication {
  return {
    id: 1,
    name: 'trips-b1',
    pipeline: 'trips',
    from: '2019-01-01T05:00:00.000Z',
    to: '2020-01-01T05:00:00.000Z',
    rerun: 'missing',
    order: 'oldest',
    version: 'head',
    maxActiveRuns: null,
    priority: -100,
    phase: 'Running',
    reason: null,
    message: null,
    suspended: false,
    windows: { total: 12, waiting: 12, live: 0, succeeded: 0, failed: 0, cancelled: 0 },
    ratePerMinute: null,
    expectedEndAt: null,
    actor: 'cli:ada',
    createdAt: '2026-01-01T00:00:00.000Z',
    startedAt: '2026-01-01T00:00:00.000Z',
    finishedAt: null,
    variables: {},
    origin: null,
    newer: 0,
    ...more,
  };
}
