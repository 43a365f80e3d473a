import { describe, expect, test } from 'vitest';
import type { Resource } from '../../../controller/kubernetes/client.ts';
import { askOf } from '../../../controller/publish/asks.ts';
import { driftOf, mergePatch, pipelineDrift } from '../../../controller/publish/drift.ts';
import { blocksOf, pipelineSpec, pipelineStatus } from '../../../controller/publish/pipeline-resource.ts';
import type { CompiledBlock, CompiledTask } from '../../../schemas/generated/types.ts';
import { pipelineRow } from './rows.ts';

const at = new Date('2019-02-01T06:00:00Z');
const blocks = [{ name: 'one', kind: 'load.inline' }];

describe('the spec of a pipeline', () => {
  test('is canonical: every set field in one form', () => {
    const calendar = { every: { unit: 'minute', count: 15 }, timeZone: 'UTC' } as const;
    const due = { delayMs: 108_000_000, deadlineMs: 10_800_000, catchUp: 'all' } as const;
    const schedule = { calendar, startAt: '2019-01-01T00:00:00Z', endAt: null, ...due };
    const row = pipelineRow({ calendar, schedule, timeoutMs: 3_600_000, description: 'Trips', suspended: true });
    expect(pipelineSpec(row, blocks)).toEqual({
      description: 'Trips',
      source: 'local',
      file: 'trips.yaml',
      revision: 'abc123',
      version: 'a'.repeat(64),
      bundle: 'b'.repeat(64),
      schedule: {
        every: '15 minutes',
        timeZone: 'UTC',
        startAt: '2019-01-01T00:00:00Z',
        delay: '1d6h',
        deadline: '3h',
        catchUp: 'all',
      },
      suspend: true,
      maxActiveRuns: 1,
      timeout: '1h',
      blocks,
    });
  });

  test('shows priority, pool and what happens when it is busy only where the manifest says something of them', () => {
    const spec = pipelineSpec(pipelineRow({ whenBusy: 'replace', priority: -5, pool: 'gpu' }), []);
    expect(spec).toMatchObject({ whenBusy: 'replace', priority: -5, pool: 'gpu' });
    expect(Object.keys(pipelineSpec(pipelineRow(), []))).not.toContain('whenBusy');
  });

  test('shows the graph without the code', () => {
    const origin = { file: 'a.yaml', line: 1, column: 1 };
    const block = (name: string, more: Partial<CompiledBlock>): CompiledBlock => ({
      ...{ name, from: [], needs: [], checks: [], origin },
      ...more,
    });
    const task = { name: 'two', blocks: ['one', 'two'] } as unknown as CompiledTask;
    const graph = blocksOf({
      blocks: [
        block('one', { load: { format: { csv: {} }, http: { url: 'http://x' } } }),
        block('two', { from: ['one'], transform: { sql: 'select 1' } }),
        block('three', {
          needs: ['two'],
          export: { postgres: { connection: 'w', table: 't', write: { mode: 'append' } } },
        }),
      ],
      tasks: [task],
    } as Parameters<typeof blocksOf>[0]);
    expect(graph).toEqual([
      { name: 'one', kind: 'load.http', task: 'two' },
      { name: 'two', kind: 'transform.sql', task: 'two', from: ['one'] },
      { name: 'three', kind: 'export.postgres', needs: ['two'] },
    ]);
  });
});

describe('the status of a pipeline', () => {
  const seen = { generation: 2, conditions: [], at };

  test('is Ready where its newest manifest runs', () => {
    const lastRun = { name: 'trips-2019-01', window: '2019-01', phase: 'Succeeded' } as const;
    expect(pipelineStatus(pipelineRow({ lastRun, nextDueAt: at }), seen)).toMatchObject({
      schedule: 'every month',
      lastRun,
      nextDueAt: '2019-02-01T06:00:00.000Z',
      conditions: [{ type: 'Ready', status: 'True', reason: 'Synced', lastTransitionTime: at.toISOString() }],
      observedGeneration: 2,
    });
  });

  test('keeps the time of a condition that holds on, and gives a new one to one that turned', () => {
    const { conditions = [] } = pipelineStatus(pipelineRow(), seen);
    const later = { ...seen, conditions, at: new Date('2019-03-01T06:00:00Z') };
    expect(pipelineStatus(pipelineRow(), later).conditions).toMatchObject([{ lastTransitionTime: at.toISOString() }]);
    const broken = pipelineStatus(pipelineRow({ ready: false, problem: 'block "x" is wrong' }), later).conditions;
    expect(broken).toMatchObject([
      {
        type: 'Ready',
        status: 'False',
        message: 'block "x" is wrong; the last good version goes on',
        lastTransitionTime: later.at.toISOString(),
      },
      { type: 'Stalled', status: 'True' },
    ]);
  });
});

describe('drift', () => {
  const desired = pipelineSpec(pipelineRow(), blocks);
  const owning = (manager: string, ...fields: string[]) => ({
    manager,
    fieldsV1: { 'f:spec': Object.fromEntries(fields.map((field) => [`f:${field}`, {}])) },
  });
  const ours = owning('pipewright', ...Object.keys(desired));
  const resource = (spec: object, managedFields: object[] = [ours]): Resource => ({
    apiVersion: 'pipewright.dev/v1alpha1',
    kind: 'Pipeline',
    metadata: { name: 'trips', managedFields },
    spec,
  });

  test('is none where nothing differs', () => {
    expect(pipelineDrift(resource(desired), desired, false)).toMatchObject({ fields: [], suspend: null });
  });

  test('is none where a newer version is on its way', () => {
    const older = { ...desired, version: 'c'.repeat(64), revision: 'old', maxActiveRuns: 5, suspend: true };
    expect(pipelineDrift(resource(older), desired, false)).toMatchObject({ fields: [], suspend: null });
  });

  test('names what was changed, added and taken away, and by whom', () => {
    const { file: _, ...rest } = desired;
    const changed = { ...rest, maxActiveRuns: 9, timeout: '1h' };
    const others = owning('kubectl-edit', 'maxActiveRuns', 'timeout');
    const kept = owning('pipewright', ...Object.keys(rest).filter((field) => field !== 'maxActiveRuns'));
    expect(pipelineDrift(resource(changed, [kept, others]), desired, false)).toEqual({
      fields: ['file', 'maxActiveRuns', 'timeout'],
      suspend: null,
      manager: 'kubectl-edit',
    });
  });

  test('is not what a person sets suspend to', () => {
    const kept = owning('pipewright', ...Object.keys(desired).filter((field) => field !== 'suspend'));
    const set = resource({ ...desired, suspend: true }, [kept, owning('kubectl-patch', 'suspend')]);
    expect(pipelineDrift(set, desired, false)).toEqual({ fields: [], suspend: true, manager: 'kubectl-patch' });
  });

  test('is what a person sets suspend to where the manifest sets it', () => {
    const kept = owning('pipewright', ...Object.keys(desired).filter((field) => field !== 'suspend'));
    const set = resource({ ...desired, suspend: true }, [kept, owning('kubectl-patch', 'suspend')]);
    expect(pipelineDrift(set, desired, true)).toEqual({ fields: ['suspend'], suspend: null, manager: 'kubectl-patch' });
  });

  test('is every difference of a field that nobody but a person changes', () => {
    const path = { folder: { path: '/manifests' } };
    const ownedByUs = owning('pipewright', 'folder');
    const moved = resource({ folder: { path: '/elsewhere' }, suspend: true }, [ownedByUs]);
    expect(driftOf(moved, path, () => true).fields).toEqual(['folder', 'suspend']);
    expect(driftOf(moved, path, () => false).fields).toEqual(['suspend']);
  });

  test('is undone by the smallest patch', () => {
    const patch = mergePatch({ a: 1, b: { c: 1, d: 2 }, e: [1], f: 1 }, { a: 1, b: { c: 3 }, e: [2], g: 4 });
    expect(patch).toEqual({ f: null, b: { c: 3, d: null }, e: [2], g: 4 });
  });
});

describe('what an object asks for', () => {
  const object = (spec: object, more: { status?: object; metadata?: object } = {}): Resource => ({
    apiVersion: 'pipewright.dev/v1alpha1',
    kind: 'PipelineRun',
    metadata: { name: 'mine', namespace: 'data', uid: 'u-1', ...more.metadata },
    spec,
    ...(more.status && { status: more.status }),
  });
  const ours = { labels: { 'pipewright.dev/run': 'trips-2019-01' } };

  test('is a run, or another run of an ended one', () => {
    expect(askOf(object({ pipeline: 'trips', window: '2019-01', variables: { a: '1' }, priority: 5 }))).toMatchObject({
      kind: 'run',
      body: { pipeline: 'trips', window: '2019-01', variables: { a: '1' }, priority: 5 },
      origin: { kind: 'PipelineRun', namespace: 'data', name: 'mine', uid: 'u-1' },
    });
    expect(askOf(object({ pipeline: 'trips', rerunOf: 'trips-2019-01' }))).toMatchObject({
      kind: 'rerun',
      body: { run: 'trips-2019-01' },
    });
  });

  test('is nothing where it is one of ours, answered, or being deleted', () => {
    const spec = { pipeline: 'trips' };
    expect(askOf(object(spec, { metadata: ours }))).toBeNull();
    expect(askOf(object(spec, { status: { phase: 'Failed', reason: 'Refused' } }))).toBeNull();
    expect(askOf(object(spec, { metadata: { deletionTimestamp: '2019-01-01T00:00:00Z' } }))).toBeNull();
  });

  test('is a cancellation while the run that it shows is live', () => {
    const spec = { pipeline: 'trips', cancel: true };
    const shows = (phase: string) => object(spec, { metadata: ours, status: { run: 'trips-2019-01', phase } });
    expect(askOf(shows('Running'))).toMatchObject({ kind: 'cancel', body: { run: 'trips-2019-01' } });
    expect(askOf(shows('Succeeded'))).toBeNull();
  });
});
