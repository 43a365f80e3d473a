import type { PipelinePublication, RunPublication } from '../../../schemas/publications.ts';

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
    timeoutMs: null,
    suspended: false,
    suspendedBySource: false,
    retired: false,
    ready: true,
    problem: null,
    nextDueAt: null,
    lastRun: null,
    activeRuns: 0,
    queuedRuns: 0,
    ...more,
  };
}
