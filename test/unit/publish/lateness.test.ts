import { expect, test } from 'vitest';
import { pipelineSpec, pipelineStatus } from '../../../controller/publish/pipeline-resource.ts';
import { pipelineRow } from './rows.ts';

const seen = { at: new Date('2019-02-01T06:00:00Z'), generation: 1, conditions: [] };
const conditions = (row: ReturnType<typeof pipelineRow>) =>
  pipelineStatus(row, seen).conditions?.map(({ type, status, reason, message }) => [type, status, reason, message]);

test('a pipeline with a late window says so in a condition, and is as ready as before', () => {
  const late = { window: '2019-01', deadline: '2019-02-02T09:00:00+00:00' };
  expect(conditions(pipelineRow({ late }))).toEqual([
    ['Ready', 'True', 'Synced', expect.any(String)],
    ['Late', 'True', 'DeadlineMissed', 'window 2019-01 had not succeeded by its deadline, 2019-02-02T09:00:00+00:00'],
  ]);
});

test('a pipeline whose windows cannot be computed is stalled, unless its manifest is broken, which is told first', () => {
  const scheduleFailure = 'Invalid time zone specified: MARS/OLYMPUS';
  const message = `its windows cannot be computed (${scheduleFailure}); correct its schedule`;
  expect(conditions(pipelineRow({ scheduleFailure }))).toEqual([
    ['Ready', 'False', 'ScheduleFailed', message],
    ['Stalled', 'True', 'ScheduleFailed', message],
  ]);
  expect(conditions(pipelineRow({ scheduleFailure, ready: false }))?.[0]?.[2]).toBe('ManifestInvalid');
});

test('limits of catch-up are shown as manifests write them', () => {
  const row = pipelineRow();
  const rate = { windows: 20, everyMs: 3_600_000 };
  const schedule = {
    ...row.schedule!,
    catchUp: 'all' as const,
    catchUpLimits: { maxWindows: 3, rate, order: 'newest' as const },
  };
  expect(pipelineSpec(pipelineRow({ schedule }), []).schedule).toMatchObject({
    catchUp: 'all',
    catchUpLimits: { maxWindows: 3, rate: '20 per hour', order: 'newest' },
  });
});
