import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resourceKinds } from '../../schemas/resource-kinds.ts';
import { createObjects, installDefinitions } from './custom-resources.ts';
import { type ControlPlane, firstStart, startControlPlane } from './support/control-plane.ts';

const plurals = Object.values(resourceKinds).map(({ plural }) => plural);

let plane: ControlPlane;
const kubectl = (...args: string[]) => plane.kubectl(args);
const { create, patch, setStatus, table } = createObjects(() => plane);

beforeAll(async () => {
  plane = await startControlPlane();
  await installDefinitions(plane);
}, firstStart);

afterAll(() => plane?.stop());

const graph = {
  source: 'main',
  file: 'pipelines/trips.yaml',
  version: 'a'.repeat(64),
  maxActiveRuns: 1,
  blocks: [{ name: 'trips', kind: 'load.http' }],
};
const condition = (message: string) => ({
  type: 'Ready',
  status: 'True',
  reason: 'Synced',
  message,
  lastTransitionTime: '2026-01-01T00:00:00Z',
});
const thirtyDaysAgo = new Date(Date.now() - 30.5 * 86_400_000).toISOString();

describe('an API server', () => {
  test('takes the definitions without a remark on their schemas, and once more over themselves', async () => {
    await installDefinitions(plane);
    const { items } = JSON.parse(await kubectl('get', 'crds', '-o', 'json'));
    const ours = items.filter((crd: { spec: { group: string } }) => crd.spec.group === 'pipewright.dev');
    const found = ours.map((crd: { status: { conditions: { type: string; status: string }[] } }) =>
      crd.status.conditions.map(({ type, status }) => `${type}=${status}`).sort(),
    );
    expect(found).toEqual(plurals.map(() => ['Established=True', 'NamesAccepted=True']));
  });

  test('knows each resource by its short name, and all by their category', async () => {
    for (const [kind, { shortName }] of Object.entries(resourceKinds)) {
      expect(await kubectl('explain', shortName)).toMatch(new RegExp(`^KIND: +${kind}$`, 'm'));
    }
    const named = await kubectl('api-resources', '--categories=pipewright', '-o', 'name');
    expect(named.trim().split('\n')).toEqual(plurals.map((plural) => `${plural}.pipewright.dev`).sort());
  });
});

describe('kubectl explain', () => {
  test.each(plurals.flatMap((plural) => [plural, `${plural}.spec`, `${plural}.status`]))(
    'has a sentence for %s and each of its fields',
    async (path) => {
      await expect.poll(() => kubectl('explain', path)).toContain('DESCRIPTION:');
      expect(await kubectl('explain', path)).not.toContain('<empty>');
    },
  );

  test('tells what to write into a field', async () => {
    const text = (await kubectl('explain', 'pwr.spec.window')).replaceAll(/\s+/g, ' ');
    expect(text).toContain('FIELD: window <string>');
    expect(text).toContain('Start of the window: `2019-01`, a date, a local date and time in the schedule’s zone');
    expect(await kubectl('explain', 'pwb.spec.order')).toMatch(/ENUM:\s+oldest\s+newest/);
  });
});

describe('a PipelineRun', () => {
  test.each([
    ['the latest window', {}],
    ['a window', { window: '2019-01', variables: { limit: '5' } }],
    ['a rerun', { rerunOf: 'trips-2019-01' }],
  ])('may ask for %s', async (what, more) => {
    const name = what.replaceAll(' ', '-');
    await create('PipelineRun', name, { pipeline: 'trips', ...more });
    await patch('pipelineruns', name, { cancel: true });
  });

  test.each([
    ['without a pipeline', {}, 'spec.pipeline: Required value'],
    ['of a pipeline whose name could be none', { pipeline: 'Trips' }, 'spec.pipeline in body should match'],
    ['with a field that there is not', { pipeline: 'trips', windows: '2019-01' }, 'unknown field "spec.windows"'],
    ['with a variable that is no text', { pipeline: 'trips', variables: { n: 5 } }, 'spec.variables.n'],
    [
      'with a window and a run that has one already',
      { pipeline: 'trips', window: '2019-01', rerunOf: 'trips-2019-01' },
      'a rerun takes window and variables from the run it names, and the priority of its pipeline; leave them out, or leave out rerunOf',
    ],
  ])('%s is refused', async (_what, spec, message) => {
    await expect(create('PipelineRun', 'refused', spec)).rejects.toThrow(message);
  });

  test.each([
    ['another pipeline', { pipeline: 'other' }, 'spec.pipeline'],
    ['another window', { window: '2019-02' }, 'spec.window'],
    ['no window', { window: null }, 'spec.window'],
    ['variables', { variables: { limit: '5' } }, 'spec.variables'],
    ['another run', { rerunOf: 'trips-2019-01' }, 'spec.rerunOf'],
  ])('cannot be given %s once it exists', async (what, change, path) => {
    const name = `fixed-${what.replaceAll(' ', '-')}`;
    await create('PipelineRun', name, { pipeline: 'trips', window: '2019-01' });
    const refusal = await patch('pipelineruns', name, change).catch(String);
    expect(refusal).toContain(path);
    expect(refusal).toContain('a run is for one thing from its start to its end; make another PipelineRun');
  });

  test.each([[false], [null]])('that was cancelled stays so when cancel becomes %s', async (cancel) => {
    const name = `cancelled-${cancel}`;
    await create('PipelineRun', name, { pipeline: 'trips', cancel: true });
    await expect(patch('pipelineruns', name, { cancel })).rejects.toThrow('a cancellation cannot be taken back');
  });

  test('keeps its status from whoever writes only its spec', async () => {
    await create('PipelineRun', 'status', { pipeline: 'trips' });
    await setStatus('pipelineruns', 'status', { phase: 'Running' });
    await kubectl('patch', 'pipelineruns', 'status', '--type=merge', '-p', '{"status":{"phase":"Failed"}}');
    expect(await kubectl('get', 'pwr', 'status', '-o', 'jsonpath={.status.phase}')).toBe('Running');
    await expect(setStatus('pipelineruns', 'status', { phase: 'Done' })).rejects.toThrow('supported values: "Queued"');
  });

  test('is printed in one line, with commit, job, node and message on demand', async () => {
    const name = 'yellow-taxi-to-postgres-2019-01';
    await create('PipelineRun', name, { pipeline: 'yellow-taxi-to-postgres' });
    await setStatus('pipelineruns', name, {
      phase: 'Succeeded',
      message: 'all tasks succeeded',
      window: { start: '2019-01-01T05:00:00Z', end: '2019-02-01T05:00:00Z', label: '2019-01' },
      trigger: 'schedule',
      tasks: { done: 2, total: 2, text: '2/2' },
      startedAt: thirtyDaysAgo,
      duration: '14s',
      revision: '84d8eda',
      job: `${name}-1-warehouse-1-0f3a`,
      node: 'node-1',
    });
    const head = ['NAME', 'PIPELINE', 'WINDOW', 'PHASE', 'TRIGGER', 'TASKS', 'STARTED', 'DURATION'];
    const row = [name, 'yellow-taxi-to-postgres', '2019-01', 'Succeeded', 'schedule', '2/2', '30d', '14s'];
    expect(await table('pipelineruns', name)).toEqual([head, row]);
    const selector = '--field-selector=spec.pipeline=yellow-taxi-to-postgres,status.phase=Succeeded';
    expect(await table('pipelineruns', selector)).toEqual([head, row]);
    expect(await table('pipelineruns', name, '-o', 'wide')).toEqual([
      [...head, 'COMMIT', 'JOB', 'NODE', 'MESSAGE'],
      [...row, '84d8eda', `${name}-1-warehouse-1-0f3a`, 'node-1', 'all tasks succeeded'],
    ]);
  });
});

describe('a Pipeline', () => {
  test('is suspended with kubectl', async () => {
    await create('Pipeline', 'paused', graph);
    await patch('pipelines', 'paused', { suspend: true });
  });

  test.each([
    [
      'whose schedule has neither every nor cron',
      { schedule: { timeZone: 'UTC' } },
      'give exactly one of every and cron',
    ],
    [
      'whose schedule has both',
      { schedule: { timeZone: 'UTC', every: 'month', cron: ['0 0 * * *'] } },
      'give exactly one of every and cron',
    ],
    ['with two blocks of one name', { blocks: [...graph.blocks, ...graph.blocks] }, 'Duplicate value'],
    ['whose version is no digest', { version: 'head' }, 'spec.version in body should match'],
  ])('%s is refused', async (_what, change, message) => {
    await expect(create('Pipeline', 'refused', { ...graph, ...change })).rejects.toThrow(message);
  });

  test('is printed with its schedule, its last run, when it is next due and whether it is ready', async () => {
    const schedule = { every: 'month', timeZone: 'America/New_York', catchUp: 'all', delay: '30h' };
    await create('Pipeline', 'trips', { ...graph, schedule, suspend: false });
    await setStatus('pipelines', 'trips', {
      schedule: 'every month',
      lastRun: { name: 'trips-2019-01', window: '2019-01', phase: 'Succeeded' },
      nextDueAt: '2099-03-02T11:00:00Z',
      conditions: [condition('runs the newest manifest')],
    });
    const head = ['NAME', 'SCHEDULE', 'LAST WINDOW', 'LAST PHASE', 'NEXT DUE', 'READY'];
    const row = ['trips', 'every month', '2019-01', 'Succeeded', '2099-03-02T11:00:00Z', 'True'];
    expect(await table('pipelines', 'trips')).toEqual([head, row]);
    expect(await table('pipelines', 'trips', '-o', 'wide')).toEqual([
      [...head, 'SUSPENDED', 'SOURCE', 'FILE', 'MESSAGE'],
      [...row, 'false', 'main', 'pipelines/trips.yaml', 'runs the newest manifest'],
    ]);
  });
});

describe('a PipelineSource', () => {
  const url = 'https://example.com/a';
  const status = { provider: 'gitea', apiUrl: 'https://example.com/api/v1' };
  const leaves = 'the path leaves the repository; write one that is relative to its root, without ".."';

  test.each([
    ['neither a repository nor a folder', {}, 'give exactly one of git, folder'],
    ['both', { git: { url }, folder: { path: '/pipelines' } }, 'give exactly one of git, folder'],
    [
      'credentials in its URL',
      { git: { url: 'https://me:secret@example.com/a' } },
      'the URL holds credentials; put them into a secret and name it in secretRef',
    ],
    ['a path as its URL', { git: { url: '/etc' } }, 'spec.git.url in body should match'],
    ['an option for git as its branch', { git: { url, ref: { branch: '--upload-pack=x' } } }, 'spec.git.ref.branch in'],
    ['a branch and a tag', { git: { url, ref: { branch: 'main', tag: 'v1' } } }, 'one of branch, tag, semver, commit'],
    ['a forge to tell and no token', { git: { url, status } }, 'a status needs a token; name the secret'],
    ['a path from the root', { git: { url, path: '/etc' } }, leaves],
    ['a path upwards', { git: { url, path: '..' } }, leaves],
    ['a path that climbs on its way', { git: { url, path: 'a/../../b' } }, leaves],
  ])('with %s is refused', async (_what, spec, message) => {
    await expect(create('PipelineSource', 'refused', spec)).rejects.toThrow(message);
  });

  test('is printed with what the last sync found', async () => {
    await create('PipelineSource', 'main', {
      git: { url: 'https://example.com/a', ref: { branch: 'main' }, path: 'etl/..data' },
    });
    await create('PipelineSource', 'copy', { git: { url: 'git@example.com:team/a' } });
    await setStatus('pipelinesources', 'main', {
      revision: '84d8eda',
      syncedAt: thirtyDaysAgo,
      pipelines: 3,
      problemCount: 0,
      conditions: [condition('no problem')],
    });
    expect(await table('pipelinesources', 'main')).toEqual([
      ['NAME', 'REVISION', 'PIPELINES', 'PROBLEMS', 'SYNCED', 'READY'],
      ['main', '84d8eda', '3', '0', '30d', 'True'],
    ]);
  });
});

describe('a Backfill', () => {
  const empty = 'the range is empty; write a "from" that lies before "to"';

  test.each([
    ['2019-01-01', '2020-01-01'],
    ['2019-01-01', '2019-01-01T06:00'],
    ['2019-01-01T23:30:00+02:00', '2019-01-01T22:00:00Z'],
    // Only the pipeline's zone tells which is earlier.
    ['2019-01-01T00:00:00Z', '2018-12-31T23:00'],
  ])('may go from %s to %s', async (from, to) => {
    await create('Backfill', `range-${from}-${to}`.toLowerCase().replaceAll(/[:+]/g, '-'), {
      pipeline: 'trips',
      from,
      to,
    });
  });

  test.each([
    ['2020-01-01', '2019-01-01', empty],
    ['2019-01-01', '2019-01-01', empty],
    ['2019-01-01T23:30:00Z', '2019-01-02T00:00:00+02:00', empty],
    ['2019-01', '2019-02', 'spec.from in body should match'],
    ['2019-01-01T00:00Z', '2019-02-01T00:00Z', 'spec.from in body should match'],
  ])('from %s to %s is refused', async (from, to, message) => {
    await expect(create('Backfill', 'refused', { pipeline: 'trips', from, to })).rejects.toThrow(message);
  });

  test.each([
    ['another pipeline', { pipeline: 'other' }],
    ['another range', { to: '2021-01-01' }],
    ['other windows to run', { rerun: 'all' }],
  ])('cannot be given %s once it exists', async (what, change) => {
    const name = `fixed-${what.replaceAll(' ', '-')}`;
    await create('Backfill', name, { pipeline: 'trips', from: '2019-01-01', to: '2020-01-01' });
    await expect(patch('backfills', name, change)).rejects.toThrow(
      'a backfill is for one range from its start to its end; make another Backfill',
    );
    await patch('backfills', name, { suspend: true, maxActiveRuns: 3, priority: 5, cancel: true });
    await expect(patch('backfills', name, { cancel: false })).rejects.toThrow('a cancellation cannot be taken back');
  });

  test('is printed with its progress', async () => {
    await create('Backfill', 'reload-2019', {
      pipeline: 'trips',
      from: '2019-01-01',
      to: '2020-01-01',
      rerun: 'failed',
    });
    await setStatus('backfills', 'reload-2019', {
      phase: 'Running',
      windows: { total: 12, done: 7, live: 2, succeeded: 6, failed: 1, cancelled: 0, text: '7/12' },
      rate: '1.5/min',
      expectedEndAt: '2099-03-02T11:00:00Z',
      startedAt: thirtyDaysAgo,
    });
    expect(await table('backfills', 'reload-2019')).toEqual([
      ['NAME', 'PIPELINE', 'FROM', 'TO', 'PHASE', 'DONE', 'FAILED', 'RATE', 'ETA'],
      ['reload-2019', 'trips', '2019-01-01', '2020-01-01', 'Running', '7/12', '1', '1.5/min', '2099-03-02T11:00:00Z'],
    ]);
  });
});
