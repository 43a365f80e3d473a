import type { TaskOrder } from '../../../../schemas/generated/types.ts';

export function order(more: Partial<TaskOrder> = {}): TaskOrder {
  const start = '2019-01-01T00:00:00.000Z';
  return {
    attemptId: '7.load_trips.1',
    ledgerId: 'ledger-a',
    pipeline: 'taxi',
    run: { id: 7, name: 'taxi-2019-01', runNo: 1, trigger: 'schedule' },
    task: 'load_trips',
    attempt: 1,
    window: { start, end: start, previousStart: start, previousEnd: start, nextEnd: start, label: '2019-01' },
    variables: {},
    bundle: { digest: `${'0123456789abcdef'.repeat(4)}`, path: '/elsewhere' },
    artifacts: '/elsewhere',
    timeoutMs: null,
    heartbeatMs: 10_000,
    ...more,
  };
}
