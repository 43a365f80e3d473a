import { describe, expect, test } from 'vitest';
import { judge } from '../../../../controller/executors/jobs/judge.ts';
import type { Job, Pod } from '../../../../controller/executors/jobs/kinds.ts';

const now = Date.parse('2026-01-01T01:00:00Z');
const ago = (ms: number) => new Date(now - ms).toISOString();
const minute = 60_000;

function job(options: { end?: object; annotations?: Record<string, string>; deleted?: boolean } = {}): Job {
  const { end, annotations = {}, deleted } = options;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: 'job',
      annotations,
      creationTimestamp: ago(2 * minute),
      ...(deleted ? { deletionTimestamp: ago(0) } : {}),
    },
    status: { conditions: end ? [{ type: 'Failed', status: 'True', ...end }] : [] },
  };
}

function pod(status: Pod['status'], metadata: object = {}): Pod {
  const named = { name: 'pod', creationTimestamp: ago(minute), ...metadata };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: named,
    spec: { nodeName: 'node-1' },
    ...(status ? { status } : {}),
  };
}

function verdict(theJob: Job | null, pods: Pod[] = [], more: { pendingMs?: number; refusal?: string } = {}) {
  const { pendingMs = 30 * minute, refusal = null } = more;
  return judge({ job: theJob, pods }, { now, pendingMs, lostNodeMs: 10_000, refusal });
}

const waiting = (reason: string) =>
  pod({
    phase: 'Pending',
    containerStatuses: [{ name: 'runner', state: { waiting: { reason, message: 'because' } } }],
  });
const unschedulable = pod({
  phase: 'Pending',
  conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes' }],
});

describe('an attempt runs', () => {
  test.each([
    ['while its Job has no pod yet', []],
    ['while its pod begins', [pod({ phase: 'Pending' })]],
    ['while its pod runs', [pod({ phase: 'Running' })]],
    ['while its pod has failed and its Job has not said so', [pod({ phase: 'Failed' })]],
    ['while its pod is asked to end', [pod({ phase: 'Running' }, { deletionTimestamp: ago(5_000) })]],
  ])('%s', (_, pods) => {
    expect(verdict(job(), pods)).toEqual({ state: 'running', pending: null });
  });

  test.each([
    ['no node takes its pod', unschedulable, 'Unschedulable', 'Unschedulable: 0/3 nodes'],
    ['its image does not come', waiting('ErrImagePull'), 'ImagePullFailed', 'ErrImagePull: because'],
    ['its image has a bad name', waiting('InvalidImageName'), 'ImagePullFailed', 'InvalidImageName: because'],
    [
      'a secret is missing',
      waiting('CreateContainerConfigError'),
      'MissingSecret',
      'CreateContainerConfigError: because',
    ],
    ['its container does not begin', waiting('RunContainerError'), 'PodNotStarted', 'RunContainerError: because'],
  ])('and says that %s', (_, waitingPod, reason, message) => {
    expect(verdict(job(), [waitingPod])).toEqual({ state: 'running', pending: { reason, message } });
  });

  test('and says why its Job gets no pod, until it has one', () => {
    const refusal = 'exceeded quota';
    expect(verdict(job(), [], { refusal })).toEqual({
      state: 'running',
      pending: { reason: 'PodRefused', message: refusal },
    });
    expect(verdict(job(), [pod({ phase: 'Running' })], { refusal })).toEqual({ state: 'running', pending: null });
  });

  test('in the newest of its pods', () => {
    const old = pod({ phase: 'Failed', reason: 'Evicted' }, { creationTimestamp: ago(2 * minute) });
    expect(verdict(job(), [waiting('ErrImagePull'), old])).toMatchObject({ pending: { reason: 'ImagePullFailed' } });
  });
});

describe('an attempt is gone', () => {
  test.each([
    ['is not there', null],
    ['is being deleted', job({ deleted: true })],
  ])('when its Job %s', (_, theJob) => {
    expect(verdict(theJob, [pod({ phase: 'Running' })])).toMatchObject({ state: 'gone', reason: 'JobDeleted' });
  });

  test('when its pod has waited for longer than the limit, for what it waited for', () => {
    const pendingMs = minute - 1;
    expect(verdict(job(), [unschedulable], { pendingMs })).toMatchObject({
      reason: 'Unschedulable',
      detail: 'its pod did not start within 1 min: Unschedulable: 0/3 nodes',
    });
    expect(verdict(job(), [pod({ phase: 'Pending' })], { pendingMs })).toMatchObject({ reason: 'PodNotStarted' });
    expect(verdict(job(), [pod({ phase: 'Running' })], { pendingMs })).toMatchObject({ state: 'running' });
    expect(verdict(job(), [], { pendingMs, refusal: 'exceeded quota' })).toMatchObject({ reason: 'PodRefused' });
  });

  test('when its pod should long have ended, because nobody on its node answers', () => {
    const late = pod({ phase: 'Running' }, { deletionTimestamp: ago(11_000) });
    expect(verdict(job(), [late])).toMatchObject({ reason: 'NodeLost', detail: expect.stringContaining('node-1') });
  });

  const failed = { reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' };
  const terminated = (more: object) => [{ name: 'runner', state: { terminated: { exitCode: 137, ...more } } }];
  const disrupted = [{ type: 'DisruptionTarget', status: 'True', reason: 'DeletionByPodGC' }];

  test.each([
    ['OutOfMemory', failed, pod({ phase: 'Failed', containerStatuses: terminated({ reason: 'OOMKilled' }) })],
    ['Evicted', failed, pod({ phase: 'Failed', reason: 'Evicted', message: 'scratch' })],
    ['NodeLost', failed, pod({ phase: 'Failed', conditions: disrupted })],
    ['TimedOut', { reason: 'DeadlineExceeded' }, null],
    [null, failed, pod({ phase: 'Failed', containerStatuses: terminated({ exitCode: 1 }) })],
    [null, { type: 'Complete' }, pod({ phase: 'Succeeded' })],
    [null, failed, null],
  ])('when its Job has ended, because of %s', (reason, end, lastPod) => {
    expect(verdict(job({ end }), lastPod ? [lastPod] : [])).toMatchObject({ state: 'gone', reason });
  });

  test('when it was told to end, whatever its Job says of that', () => {
    const annotations = { 'pipewright.dev/ended-by': 'stop' };
    expect(verdict(job({ end: { reason: 'DeadlineExceeded' }, annotations }))).toEqual({
      state: 'gone',
      reason: null,
      detail: 'it was told to end',
    });
  });
});
