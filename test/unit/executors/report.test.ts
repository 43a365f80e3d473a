import { expect, test } from 'vitest';
import { parseReport } from '../../../controller/executors/processes/report.ts';

const good = {
  attemptId: '1.a.1',
  outcome: 'Failed',
  reason: 'LoadFailed',
  error: { message: 'no' },
  startedAt: '2020-01-01T00:00:00.000Z',
  finishedAt: '2020-01-01T00:00:01.000Z',
  durationMs: 1000,
  peakMemoryBytes: null,
  blocks: [{ name: 'a', kind: 'load.http', rows: 1, bytes: 1, durationMs: 1, checks: [] }],
  sample: null,
  partial: false,
};

test('a whole report is read, and fields that are new are kept', () => {
  expect(parseReport(JSON.stringify({ ...good, newer: 1 }), '1.a.1')).toEqual({ ...good, newer: 1 });
});

test.each([
  ['no JSON', '{"attemptId"', 'its report is no JSON'],
  ['no object', '[]', 'its report is no object'],
  ['of another attempt', JSON.stringify({ ...good, attemptId: '1.a.2' }), 'its report has a bad "attemptId"'],
  ['of an unknown outcome', JSON.stringify({ ...good, outcome: 'Fine' }), 'its report has a bad "outcome"'],
  ['of an unknown reason', JSON.stringify({ ...good, reason: 'toString' }), 'its report has a bad "reason"'],
  ['with an error that says nothing', JSON.stringify({ ...good, error: {} }), 'its report has a bad "error"'],
  ['without an end', JSON.stringify({ ...good, finishedAt: 'soon' }), 'its report has a bad "finishedAt"'],
  ['without blocks', JSON.stringify({ ...good, blocks: [null] }), 'its report has a bad "blocks"'],
])('a report that is %s is told apart from none', (_, text, problem) => {
  expect(parseReport(text, '1.a.1')).toBe(problem);
});
