import { expect, test } from 'vitest';
import type { Pod } from '../../../../controller/executors/jobs/kinds.ts';
import { reportIn } from '../../../../controller/executors/jobs/message.ts';

const id = '7.trips.1';
const small = {
  attemptId: id,
  outcome: 'Failed',
  reason: 'LoadFailed',
  error: { message: 'no such host' },
  startedAt: '2026-01-01T00:00:00Z',
  finishedAt: '2026-01-01T00:00:01Z',
  durationMs: 1_000,
};

function pod(message: string): Pod {
  const state = { terminated: { exitCode: 1, message } };
  const status = { containerStatuses: [{ name: 'runner', state }] };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'pod' }, status };
}

test('a small report is filled up and marked as partial', () => {
  expect(reportIn([pod(''), pod(JSON.stringify({ report: small }))], id)).toEqual({
    ...small,
    peakMemoryBytes: null,
    blocks: [],
    sample: null,
    partial: true,
  });
});

test.each([
  ['nothing', ''],
  ['the end of a log', 'Error: something'],
  ['JSON of something else', '{"a": 1}'],
  ['null', 'null'],
  ['a report of another attempt', JSON.stringify({ report: { ...small, attemptId: '8.trips.1' } })],
  ['a report that was cut off', JSON.stringify({ report: small }).slice(0, 50)],
  ['a report without an outcome', JSON.stringify({ report: { attemptId: id } })],
])('a message that is %s is no report', (_, message) => {
  expect(reportIn([pod(message)], id)).toBeNull();
});
