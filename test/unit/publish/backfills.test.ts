import { describe, expect, test } from 'vitest';
import { backfillDrift, backfillResource, backfillStatus } from '../../../controller/publish/backfill-resource.ts';
import type { BackfillPublication } from '../../../schemas/publications.ts';
import { rateText } from '../../../schemas/rate-text.ts';
import { backfillRow } from './rows.ts';

const finishedAt = '2026-01-01T00:30:00.000Z';

describe('the object of a backfill', () => {
  test('says what runs, in a form that can be asked for again', () => {
    const row = backfillRow({ maxActiveRuns: 4, variables: { limit: 7, note: null } });
    expect(backfillResource(row, 'data')).toMatchObject({
      kind: 'Backfill',
      metadata: { name: 'trips-b1', namespace: 'data', labels: { 'pipewright.dev/backfill': 'trips-b1' } },
      spec: {
        ...{ pipeline: 'trips', from: '2019-01-01T05:00:00Z', to: '2020-01-01T05:00:00Z', variables: { limit: '7' } },
        ...{ rerun: 'missing', order: 'oldest', version: 'head', suspend: false, priority: -100, maxActiveRuns: 4 },
      },
    });
  });

  test('is the one that a person made, of which only the settings are ours', () => {
    const origin = { kind: 'Backfill', namespace: 'theirs', name: 'mine', uid: 'u-1' };
    const { metadata, spec } = backfillResource(backfillRow({ origin, suspended: true }), 'data');
    expect(metadata).toMatchObject({ namespace: 'theirs', name: 'mine', uid: 'u-1' });
    expect(spec).toEqual({ suspend: true, priority: -100 });
  });
});

describe('the status of a backfill', () => {
  test('leaves out what is not known yet, and says how far it is', () => {
    const windows = { total: 12, waiting: 5, live: 2, succeeded: 3, failed: 1, cancelled: 1 };
    const status = backfillStatus(backfillRow({ windows, ratePerMinute: 1.5 }), 2);
    expect(status).toMatchObject({
      ...{ backfill: 'trips-b1', phase: 'Running', rate: '1.5/min', observedGeneration: 2 },
      windows: { total: 12, done: 5, live: 2, succeeded: 3, failed: 1, cancelled: 1, text: '5/12' },
    });
    for (const field of ['reason', 'message', 'finishedAt', 'expectedEndAt']) expect(status).not.toHaveProperty(field);
  });

  test.each<[Partial<BackfillPublication>, string[], string]>([
    [{}, ['Ready=Unknown', 'Reconciling=True'], 'Running'],
    [{ suspended: true }, ['Ready=Unknown', 'Reconciling=True'], 'Suspended'],
    [{ phase: 'Succeeded', finishedAt }, ['Ready=True'], 'Succeeded'],
    [{ phase: 'Failed', reason: 'WindowsFailed', finishedAt }, ['Ready=False', 'Stalled=True'], 'WindowsFailed'],
    [{ phase: 'Cancelled', reason: 'BackfillRemoved', finishedAt }, ['Ready=False', 'Stalled=True'], 'BackfillRemoved'],
  ])('of %j has the conditions %j', (more, expected, reason) => {
    const { conditions = [] } = backfillStatus(backfillRow(more), 1);
    expect(conditions.map(({ type, status }) => `${type}=${status}`)).toEqual(expected);
    expect(conditions[0]?.reason).toBe(reason);
  });
});

describe('what a person changed', () => {
  const held = (manager: string, fields: object) => ({ manager, fieldsV1: { 'f:spec': fields } });
  const object = (spec: object, ...managedFields: object[]) => ({
    ...{ apiVersion: 'pipewright.dev/v1alpha1', kind: 'Backfill' },
    ...{ metadata: { name: 'mine', managedFields }, spec },
  });

  test('is what differs and is not ours; what is ours is on its way there', () => {
    const mixed = object(
      { suspend: true, priority: 5 },
      held('kubectl-patch', { 'f:suspend': {} }),
      held('pipewright', { 'f:priority': {} }),
    );
    expect(backfillDrift(mixed, backfillRow({ maxActiveRuns: null }), -100)).toEqual({ suspended: true });
  });

  test('is also a limit that was taken out', () => {
    expect(backfillDrift(object({}), backfillRow({ maxActiveRuns: 4 }), -100)).toEqual({ maxActiveRuns: null });
    expect(backfillDrift(object({}), backfillRow(), -100)).toBeNull();
  });
});

test.each([
  [12.34, '12.3/min'],
  [1, '1/min'],
  [0.5, '30/h'],
  [0.0021, '0.126/h'],
])('a rate of %d a minute reads %s', (rate, text) => {
  expect(rateText(rate)).toBe(text);
});
