import { describe, expect, test } from 'vitest';
import { containerReport } from '../../../../controller/executors/jobs/container-report.ts';
import type { Job, Pod, Terminated } from '../../../../controller/executors/jobs/kinds.ts';

const id = '7.score.1';
const about = JSON.stringify({ block: 'score', file: 'score.yaml', line: 7, column: 5 });
const annotations = { 'pipewright.dev/container': about };
const span = { startedAt: '2026-01-01T00:00:00Z', finishedAt: '2026-01-01T00:00:03Z' };

function job(type: 'Complete' | 'Failed', more: Record<string, string> = {}): Job {
  const metadata = { name: 'job', annotations: { ...annotations, ...more } };
  return { apiVersion: 'batch/v1', kind: 'Job', metadata, status: { conditions: [{ type, status: 'True' }] } };
}

function pod(phase: string, ended: Terminated, more: object = {}): Pod {
  const containerStatuses = [{ name: 'runner', state: { terminated: { ...span, ...ended } } }];
  const metadata = { name: 'pod', annotations };
  return { apiVersion: 'v1', kind: 'Pod', metadata, status: { phase, containerStatuses, ...more } };
}

const succeeded = (message: string) =>
  containerReport(id, { job: job('Complete'), pods: [pod('Succeeded', { exitCode: 0, message })] });
const failed = (ended: Terminated, more: object = {}) =>
  containerReport(id, { job: job('Failed'), pods: [pod('Failed', ended, more)] });

describe('a container that succeeded', () => {
  test('is reported with its outputs and its time', () => {
    expect(succeeded('{"rows": 12, "ok": true, "label": "a", "nothing": null}')).toEqual({
      attemptId: id,
      outcome: 'Succeeded',
      reason: null,
      ...span,
      durationMs: 3_000,
      peakMemoryBytes: null,
      blocks: [{ name: 'score', kind: 'container', rows: null, bytes: null, durationMs: 3_000, checks: [] }],
      sample: null,
      outputs: { rows: 12, ok: true, label: 'a', nothing: null },
      partial: false,
    });
  });

  test('has no outputs when it said nothing, or when its pod is gone', () => {
    expect(succeeded(' \n')).toMatchObject({ outcome: 'Succeeded', outputs: {}, partial: false });
    const gone = containerReport(id, { job: job('Complete'), pods: [] });
    expect(gone).toMatchObject({ outcome: 'Succeeded', outputs: {}, partial: true });
  });

  test.each([
    ['done', 'holds no JSON'],
    ['[1]', 'holds JSON that is no object'],
    ['null', 'holds JSON that is no object'],
    ['{"a": {"b": 1}}', 'holds "a", which is a list or an object'],
  ])('and put out %s fails with a sentence', (message, fact) => {
    expect(succeeded(message)).toMatchObject({
      outcome: 'Failed',
      reason: 'InvalidOutputs',
      error: {
        message: `/dev/termination-log of block "score" ${fact}; write a JSON object of texts, numbers and booleans, at most 4096 bytes, or nothing`,
        block: 'score',
        file: 'score.yaml',
        line: 7,
      },
    });
  });
});

describe('a container that failed', () => {
  test('because its pod was deleted has not failed by itself; one that was deleted afterwards has', () => {
    const deleted = (deletionTimestamp: string) => {
      const one = pod('Failed', { exitCode: 143, reason: 'Error' });
      const metadata = { ...one.metadata, deletionTimestamp, deletionGracePeriodSeconds: 30 };
      return containerReport(id, { job: job('Failed'), pods: [{ ...one, metadata }] });
    };
    // The time of a deletion is when the grace ends: asked for one second before the container ended, and one after.
    expect(deleted('2026-01-01T00:00:32Z')).toBeNull();
    expect(deleted('2026-01-01T00:00:34Z')).toMatchObject({ reason: 'ContainerFailed' });
  });

  test('is reported with its exit code and its last words', () => {
    const message = 'one\ntwo\nTraceback:\n  x = rows["a"]\n\nKeyError: a\n';
    expect(failed({ exitCode: 3, reason: 'Error', message })).toMatchObject({
      outcome: 'Failed',
      reason: 'ContainerFailed',
      error: {
        message:
          'the container ended with exit code 3; its last words: one | two | Traceback: | x = rows["a"] | KeyError: a',
      },
    });
    expect(failed({ exitCode: 128, reason: 'StartError', message: 'exec: "score": not found' })).toMatchObject({
      error: {
        message: 'the container ended with exit code 128, StartError; its last words: exec: "score": not found',
      },
    });
  });

  test.each([
    ['for want of memory', { exitCode: 137, reason: 'OOMKilled' }, {}],
    ['since it was evicted', { exitCode: 137 }, { reason: 'Evicted' }],
    ['at its deadline', { exitCode: 143 }, { reason: 'DeadlineExceeded' }],
  ])('%s says nothing itself', (_, ended, more) => {
    expect(failed(ended, more)).toBeNull();
  });
});

test('a container that was told to end counts only if it had succeeded', () => {
  const told = job('Failed', { 'pipewright.dev/ended-by': 'stop' });
  expect(containerReport(id, { job: told, pods: [pod('Failed', { exitCode: 143 })] })).toBeNull();
  expect(containerReport(id, { job: told, pods: [pod('Succeeded', { exitCode: 0 })] })).toMatchObject({
    outcome: 'Succeeded',
  });
  const barred = job('Complete', { 'pipewright.dev/ended-by': 'fence' });
  expect(containerReport(id, { job: barred, pods: [] })).toBeNull();
});
