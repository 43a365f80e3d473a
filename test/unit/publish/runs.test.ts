import { describe, expect, test } from 'vitest';
import { durationText, exactDuration } from '../../../controller/publish/duration.ts';
import { eventResource } from '../../../controller/publish/events.ts';
import { labelsOf } from '../../../controller/publish/kinds.ts';
import { refusedStatus, runResource, runStatus } from '../../../controller/publish/run-resource.ts';
import type { Phase } from '../../../schemas/generated/types.ts';
import { runRow } from './rows.ts';

const startedAt = new Date('2019-02-01T06:01:00Z');
const finishedAt = new Date('2019-02-01T06:03:05Z');

describe('the object of a run', () => {
  test('says what runs, in a form that can be asked for again', () => {
    const run = runRow({ variables: { limit: 7, dry: false, note: null } });
    expect(runResource(run, 'data')).toEqual({
      apiVersion: 'pipewright.dev/v1alpha1',
      kind: 'PipelineRun',
      metadata: { name: 'trips-2019-01', namespace: 'data', labels: labelsOf('trips', 'trips-2019-01') },
      spec: { pipeline: 'trips', window: '2019-01-01T05:00:00.000Z', variables: { limit: '7', dry: 'false' } },
    });
  });

  test('is the one that a person made, whose spec stays theirs and which is not made anew', () => {
    const origin = { kind: 'PipelineRun', namespace: 'theirs', name: 'mine', uid: 'u-1' };
    const labels = labelsOf('trips', 'trips-2019-01');
    const { metadata, spec } = runResource(runRow({ origin }), 'data');
    expect({ metadata, spec }).toEqual({
      metadata: { namespace: 'theirs', name: 'mine', uid: 'u-1', labels },
      spec: undefined,
    });
  });

  test('has labels that Kubernetes takes, however long the name is, and different ones for different names', () => {
    const long = `${'p'.repeat(52)}-20191103t050000z`;
    const labels = [labelsOf('p', `${long}-2`), labelsOf('p', `${long}-3`)].map((each) => each['pipewright.dev/run']);
    expect(labels.every((label) => label !== undefined && label.length <= 63)).toBe(true);
    expect(labels[0]).not.toBe(labels[1]);
  });
});

describe('the status of a run', () => {
  test('leaves out what is not known yet', () => {
    expect(runStatus(runRow(), 1)).toEqual({
      run: 'trips-2019-01',
      phase: 'Queued',
      window: { start: '2019-01-01T05:00:00.000Z', end: '2019-02-01T05:00:00.000Z', label: '2019-01' },
      runNo: 1,
      trigger: 'schedule',
      tasks: { done: 0, total: 2, text: '0/2' },
      version: 'a'.repeat(64),
      revision: 'abc123',
      conditions: [
        expect.objectContaining({ type: 'Ready', status: 'Unknown', reason: 'Queued' }),
        expect.objectContaining({ type: 'Reconciling', status: 'True', reason: 'Queued' }),
      ],
      observedGeneration: 1,
    });
  });

  test('tells of an ended one how long it took, where, and why', () => {
    const ended = {
      phase: 'Failed',
      reason: 'ExportFailed',
      message: 'there is no table "t"',
      startedAt,
      finishedAt,
    } as const;
    expect(runStatus(runRow({ ...ended, place: { job: 'j', node: 'n' }, window: null }), 3)).toMatchObject({
      phase: 'Failed',
      reason: 'ExportFailed',
      message: 'there is no table "t"',
      duration: '2m5s',
      job: 'j',
      node: 'n',
      observedGeneration: 3,
      conditions: [
        { type: 'Ready', status: 'False', reason: 'ExportFailed', lastTransitionTime: finishedAt.toISOString() },
        { type: 'Stalled', status: 'True', observedGeneration: 3 },
      ],
    });
  });

  test.each<[Phase, string[]]>([
    ['Queued', ['Ready=Unknown', 'Reconciling=True']],
    ['Running', ['Ready=Unknown', 'Reconciling=True']],
    ['Succeeded', ['Ready=True']],
    ['Skipped', ['Ready=True']],
    ['Failed', ['Ready=False', 'Stalled=True']],
    ['Cancelled', ['Ready=False', 'Stalled=True']],
  ])('has in phase %s the conditions %j', (phase, expected) => {
    const ended = ['Queued', 'Running'].includes(phase) ? {} : { startedAt, finishedAt };
    const { conditions = [] } = runStatus(runRow({ phase, ...ended }), 1);
    expect(conditions.map(({ type, status }) => `${type}=${status}`)).toEqual(expected);
  });

  test('is the same for the same row at any time, so nothing is written twice', () => {
    const run = runRow({ phase: 'Succeeded', startedAt, finishedAt });
    expect(runStatus(run, 1)).toEqual(runStatus(structuredClone(run), 1));
  });

  test('of a refused request carries the sentence', () => {
    expect(refusedStatus('there is no pipeline "x"', finishedAt, 1)).toMatchObject({
      phase: 'Failed',
      reason: 'Refused',
      message: 'there is no pipeline "x"',
      conditions: [{ type: 'Ready', status: 'False' }, { type: 'Stalled' }],
    });
  });
});

test.each([
  [0, '0s', '0s'],
  [400, '0s', '400ms'],
  [14_200, '14s', '14s200ms'],
  [125_000, '2m5s', '2m5s'],
  [3_600_000, '1h', '1h'],
  [90_061_000, '1d1h', '1d1h1m1s'],
])('%d ms read as %s and are exactly %s', (ms, text, exact) => {
  expect(durationText(ms)).toBe(text);
  expect(exactDuration(ms)).toBe(exact);
});

describe('an Event', () => {
  const about = {
    apiVersion: 'pipewright.dev/v1alpha1',
    kind: 'PipelineRun',
    metadata: { name: 'a', namespace: 'data', uid: 'u-1' },
  };
  const happening = { type: 'Warning', reason: 'Refused', message: 'no', key: '1' } as const;
  const at = new Date('2019-02-01T06:00:00.123Z');
  const nameOf = (event: { metadata: { name: string } }) => event.metadata.name;

  test('names the object, so that kubectl describe finds it', () => {
    expect(eventResource(about, happening, at)).toMatchObject({
      metadata: { namespace: 'data' },
      involvedObject: { kind: 'PipelineRun', name: 'a', namespace: 'data', uid: 'u-1' },
      type: 'Warning',
      reason: 'Refused',
      lastTimestamp: '2019-02-01T06:00:00Z',
    });
  });

  test('has the same name when the same thing is told again, and another for another', () => {
    const name = nameOf(eventResource(about, happening, at));
    expect(nameOf(eventResource(about, happening, new Date()))).toBe(name);
    expect(nameOf(eventResource(about, { ...happening, key: '2' }, at))).not.toBe(name);
    const other = { ...about, metadata: { ...about.metadata, uid: 'u-2' } };
    expect(nameOf(eventResource(other, happening, at))).not.toBe(name);
  });

  test('cuts a message that the API server would refuse', () => {
    const { message } = eventResource(about, { ...happening, message: 'x'.repeat(5000) }, at) as { message?: string };
    expect(message).toHaveLength(1024);
  });
});
