import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';

let ledger: TestLedger;
beforeEach(async () => {
  ledger = await createTestLedger();
});
afterEach(() => ledger.close());

const monthly = 'schedule: { every: month, startAt: 2019-01-01, endAt: 2019-07-01, catchUp: all }\n';
const pipelines = () =>
  ledger.query(
    'select name, ready, retired_at is not null as retired, (select count(*)::int from versions v where v.pipeline_id = p.id) as versions from pipelines p order by name',
  );

describe('a change', () => {
  it('makes a new version only where the meaning changed', async () => {
    await ledger.write({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b') });
    await ledger.pass('sync');
    await ledger.write({ 'a.yaml': `# a comment\n${manifest('a')}`, 'b.yaml': manifest('b').replace('n: 1', 'n: 2') });
    await ledger.pass('sync');
    expect(await pipelines()).toEqual([
      { name: 'a', ready: true, retired: false, versions: 1 },
      { name: 'b', ready: true, retired: false, versions: 2 },
    ]);
  });

  it('of the schedule begins a new calendar at the cursor and leaves the windows that exist', async () => {
    await ledger.write({ 'a.yaml': manifest('a', monthly.replace('2019-07-01', '2019-03-01')) });
    await ledger.round();
    await ledger.write({
      'a.yaml': manifest('a', 'schedule: { every: quarter, startAt: 2019-01-01, endAt: 2019-07-01, catchUp: all }\n'),
    });
    await ledger.pass('sync', 'schedule');
    const windows = await ledger.query(
      'select label, start_at, end_at, (select number from calendars c where c.id = calendar_id) as calendar from windows order by start_at',
    );
    expect(
      windows.map((each) => [
        each.calendar,
        each.start_at.toISOString().slice(0, 10),
        each.end_at.toISOString().slice(0, 10),
      ]),
    ).toEqual([
      [1, '2019-01-01', '2019-02-01'],
      [1, '2019-02-01', '2019-03-01'],
      [2, '2019-03-01', '2019-04-01'],
      [2, '2019-04-01', '2019-07-01'],
    ]);
  });

  it('of startAt backward adds no windows, and of endAt forward goes on', async () => {
    await ledger.write({ 'a.yaml': manifest('a', monthly.replace('2019-07-01', '2019-02-01')) });
    await ledger.round();
    await ledger.write({
      'a.yaml': manifest('a', monthly.replace('2019-01-01', '2018-01-01').replace('2019-07-01', '2019-03-01')),
    });
    await ledger.round();
    expect((await ledger.query('select label from windows order by start_at')).map((row) => row.label)).toEqual([
      '2019-01',
      '2019-02',
    ]);
  });
});

describe('a broken manifest', () => {
  it('keeps the last good version running, says where it is broken, and stops nothing else', async () => {
    await ledger.write({ 'a.yaml': manifest('a', monthly), 'b.yaml': manifest('b') });
    await ledger.pass('sync');
    await ledger.write({
      'a.yaml': manifest('a', monthly).replace('inline', 'inlined'),
      'b.yaml': manifest('b').replace('n: 1', 'n: 2'),
    });
    await ledger.pass('sync', 'schedule');
    expect(await pipelines()).toEqual([
      { name: 'a', ready: false, retired: false, versions: 1 },
      { name: 'b', ready: true, retired: false, versions: 2 },
    ]);
    expect(await ledger.query('select file, code, pipeline from problems')).toContainEqual({
      file: 'a.yaml',
      code: 'unknown-field',
      pipeline: 'a',
    });
    expect(await ledger.runs()).toHaveLength(6);
    await ledger.write({ 'a.yaml': manifest('a', monthly) });
    await ledger.pass('sync');
    expect((await pipelines())[0]).toEqual({ name: 'a', ready: true, retired: false, versions: 1 });
    expect(await ledger.query('select from problems')).toEqual([]);
  });

  it('that is no YAML at all retires no pipeline that may stand in it', async () => {
    await ledger.write({ 'a.yaml': manifest('a') });
    await ledger.pass('sync');
    await ledger.write({ 'a.yaml': 'kind: [' });
    await ledger.pass('sync');
    expect(await pipelines()).toEqual([{ name: 'a', ready: false, retired: false, versions: 1 }]);
  });
});

describe('a manifest that is gone', () => {
  it('retires its pipeline: the schedule stops, queued runs are cancelled, running ones finish, history stays', async () => {
    await ledger.write({ 'a.yaml': manifest('a', monthly) });
    await ledger.round();
    await ledger.write({ 'a.yaml': null });
    await ledger.round();
    expect(await pipelines()).toEqual([{ name: 'a', ready: true, retired: true, versions: 1 }]);
    const runs = await ledger.runs();
    expect(runs[0]).toBe('a-2019-01 Running');
    expect(runs.slice(1).every((line) => line.endsWith('Cancelled PipelineRetired'))).toBe(true);
    ledger.fake.endAll('Succeeded');
    await ledger.round();
    expect((await ledger.runs())[0]).toBe('a-2019-01 Succeeded');
  });

  it('can come back under its name and goes on at its cursor', async () => {
    const spec = `${monthly}maxActiveRuns: 10\n`;
    await ledger.write({ 'a.yaml': manifest('a', spec) });
    await ledger.round();
    ledger.fake.endAll('Succeeded');
    await ledger.write({ 'a.yaml': null });
    await ledger.round();
    await ledger.write({ 'moved/a.yaml': manifest('a', spec.replace('2019-07-01', '2019-08-01')) });
    await ledger.round();
    expect(await ledger.query('select name, file, retired_at from pipelines')).toEqual([
      { name: 'a', file: 'moved/a.yaml', retired_at: null },
    ]);
    expect((await ledger.runs()).at(-1)).toBe('a-2019-07 Running');
  });
});

it('writes a revision per content and keeps the one that a folder returns to', async () => {
  await ledger.write({ 'a.yaml': manifest('a') });
  await ledger.pass('sync');
  await ledger.write({ 'a.yaml': manifest('a').replace('n: 1', 'n: 2') });
  await ledger.pass('sync');
  await ledger.write({ 'a.yaml': manifest('a') });
  await ledger.pass('sync');
  expect(await ledger.query('select count(*)::int as n from revisions')).toEqual([{ n: 2 }]);
  expect(await ledger.query('select count(*)::int as n from versions')).toEqual([{ n: 2 }]);
});

it('leaves a suspended pipeline alone until the manifest says otherwise', async () => {
  await ledger.write({ 'a.yaml': manifest('a', `${monthly}suspend: true\n`) });
  await ledger.round();
  expect(await ledger.runs()).toEqual([]);
  await ledger.write({ 'a.yaml': manifest('a', monthly) });
  await ledger.round();
  expect(await ledger.runs()).toHaveLength(6);
});

it('leaves the schedule as kubectl has set it while the manifest is silent, and takes back what the manifest said', async () => {
  const suspended = async () => (await ledger.query('select suspended from pipelines'))[0].suspended;
  const save = async (spec: string) => {
    await ledger.write({ 'a.yaml': manifest('a', spec) });
    await ledger.pass('sync');
  };
  await save(monthly);
  await ledger.query('update pipelines set suspended = true');
  await save(`${monthly}description: another\n`);
  expect(await suspended()).toBe(true);
  await save(`${monthly}suspend: false\n`);
  expect(await suspended()).toBe(false);
  await save(`${monthly}suspend: true\n`);
  expect(await suspended()).toBe(true);
  await save(monthly);
  expect(await suspended()).toBe(false);
});
