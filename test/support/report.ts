import type { TaskReport } from '../../schemas/generated/types.ts';

/** The report of an attempt that succeeded and did nothing worth telling. */
export function makeReport(more: Partial<TaskReport> & Pick<TaskReport, 'attemptId'>): TaskReport {
  return {
    outcome: 'Succeeded',
    reason: null,
    startedAt: '2026-01-01T00:00:00Z',
    finishedAt: '2026-01-01T00:00:01Z',
    durationMs: 1000,
    peakMemoryBytes: null,
    blocks: [],
    sample: null,
    partial: false,
    ...more,
  };
}
