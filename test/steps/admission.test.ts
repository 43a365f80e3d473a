import { afterEach, describe, expect, test } from 'vitest';
import type { Limits } from '../../controller/store/admission.ts';
import { createReads } from '../../controller/store/reads.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';
import { blocks, runningRuns } from '../support/pools.ts';

let ledger: TestLedger;
afterEach(() => ledger.close());

async function open(limits: Limits, files: Record<string, string>): Promise<void> {
  ledger = await createTestLedger({ limits });
  await ledger.write(files);
  await ledger.pass('sync');
}

async function ask(pipeline: string, times = 1, more: Record<string, unknown> = {}): Promise<void> {
  for (let n = 0; n < times; n++) await ledger.ask('run', { pipeline, ...more });
}

/** Ends what runs, and returns what was admitted in its place. */
async function next(): Promise<string[]> {
  ledger.fake.endAll('Succeeded');
  await ledger.pass('observe', 'advance', 'admit', 'advance', 'launch');
  return runningRuns(ledger);
}

const many = 'maxActiveRuns: 100\n';

describe('a limit', () => {
  test('of all runs holds over all pipelines and sources', async () => {
    await open({ maxActiveRuns: 3 }, { 'a.yaml': manifest('a', many), 'b.yaml': manifest('b', many) });
    await ask('a', 4);
    await ask('b', 4);
    await ledger.pass('admit');
    expect(await runningRuns(ledger)).toHaveLength(3);
    await ledger.pass('admit');
    expect(await runningRuns(ledger)).toHaveLength(3);
  });

  test('of a source holds for each source by itself', async () => {
    await open({ maxActiveRunsPerSource: 1 }, { 'a.yaml': manifest('a', many), 'b.yaml': manifest('b', many) });
    await ledger.query(`insert into sources (name, kind, location) values ('other', 'folder', '/other')`);
    await ledger.query(
      `update pipelines set source_id = (select id from sources where name = 'other') where name = 'b'`,
    );
    await ask('a', 3);
    await ask('b', 3);
    await ledger.pass('admit');
    expect(await runningRuns(ledger)).toEqual(['a-m1', 'b-m1']);
  });

  test('that is raised lets in what waited', async () => {
    await open({}, { 'a.yaml': manifest('a', 'maxActiveRuns: 1\n') });
    await ask('a', 3);
    await ledger.pass('admit');
    expect(await runningRuns(ledger)).toEqual(['a-m1']);
    await ledger.write({ 'a.yaml': manifest('a', 'maxActiveRuns: 2\n') });
    await ledger.pass('sync', 'admit');
    expect(await runningRuns(ledger)).toEqual(['a-m1', 'a-m2']);
  });

  test('that only some of the first in line cannot pass does not hold up those behind them', async () => {
    await open({ maxActiveRuns: 4 }, { 'a.yaml': manifest('a', 'maxActiveRuns: 2\n'), 'b.yaml': manifest('b', many) });
    await ask('a', 50);
    await ask('b', 3);
    await ledger.pass('admit');
    expect(await runningRuns(ledger)).toEqual(['a-m1', 'a-m2', 'b-m1', 'b-m2']);
  });

  test('holds for two controllers that admit at the same time', async () => {
    await open({ maxActiveRuns: 5 }, { 'a.yaml': manifest('a', many), 'b.yaml': manifest('b', many) });
    await ask('a', 10);
    await ask('b', 10);
    const other = ledger.start().admit;
    const signal = new AbortController().signal;
    await Promise.all([ledger.pass('admit'), other.pass(signal), ledger.pass('admit'), other.pass(signal)]);
    expect(await runningRuns(ledger)).toHaveLength(5);
  });
});

describe('among pipelines of the same priority', () => {
  test('one with a single run waits for one turn, not for the long queue of another', async () => {
    await open({ maxActiveRuns: 1 }, { 'a.yaml': manifest('a', many), 'b.yaml': manifest('b', many) });
    await ask('a', 8);
    await ledger.round();
    expect(await runningRuns(ledger)).toEqual(['a-m1']);
    await ask('b');
    expect(await next()).toEqual(['b-m1']);
    expect(await next()).toEqual(['a-m2']);
  });

  test('turns go round, and what is scarce is shared evenly', async () => {
    const names = ['a', 'b', 'c'];
    await open({ maxActiveRuns: 6 }, Object.fromEntries(names.map((name) => [`${name}.yaml`, manifest(name, many)])));
    for (const name of names) await ask(name, 7);
    const seen: string[][] = [];
    await ledger.pass('admit', 'advance', 'launch');
    for (let round = 0; round < 3; round++) seen.push(round === 0 ? await runningRuns(ledger) : await next());
    expect(seen).toEqual([1, 3, 5].map((n) => names.flatMap((name) => [`${name}-m${n}`, `${name}-m${n + 1}`])));
  });

  test('tasks take turns for the places where they run, too', async () => {
    ledger = await createTestLedger({ capacity: 2 });
    const wide = blocks(...['q', 'r', 's', 't', 'u'].map((name) => [name] as const));
    await ledger.write({ 'a.yaml': manifest('a', many, wide), 'b.yaml': manifest('b', many) });
    await ledger.pass('sync');
    await ask('a', 5);
    await ledger.round();
    await ask('b');
    await ledger.pass('admit', 'advance');
    ledger.fake.end(ledger.fake.running()[0] ?? '', 'Succeeded');
    await ledger.pass('observe', 'launch');
    const pipelines = ledger.fake.running().map((id) => ledger.fake.order(id)?.pipeline);
    expect(pipelines.sort()).toEqual(['a', 'b']);
  });
});

describe('priority', () => {
  test('of a pipeline decides who goes first, and that of a request overrides it', async () => {
    await open(
      { maxActiveRuns: 1 },
      { 'a.yaml': manifest('a', `${many}priority: 5\n`), 'b.yaml': manifest('b', many) },
    );
    await ask('b', 1, { priority: 9 });
    await ask('b');
    await ask('a', 2);
    await ledger.pass('admit', 'advance', 'launch');
    const seen = [await runningRuns(ledger)];
    for (let n = 0; n < 3; n++) seen.push(await next());
    expect(seen.flat()).toEqual(['b-m1', 'a-m1', 'a-m2', 'b-m2']);
  });

  // Airflow does not run backfills after live runs.
  test('of a backfill lies below that of its pipeline, however low that is, and above it when told so', async () => {
    const monthly = 'schedule: { every: month, startAt: 2026-01-01, endAt: 2026-01-01T00:00:01Z }\npriority: -500\n';
    await open({}, { 'a.yaml': manifest('a', monthly) });
    const quarter = { pipeline: 'a', from: '2019-01', to: '2019-04' };
    await ledger.ask('backfill', quarter);
    await ledger.ask('backfill', { ...quarter, from: '2020-01', to: '2020-02', priority: 10 });
    await ledger.pass('schedule');
    await ask('a', 1, { window: '2018-01' });
    const rows = await ledger.query('select name, priority from runs order by priority desc, name');
    expect(rows.map(({ name, priority }) => `${name} ${priority}`)).toEqual([
      'a-2020-01 -490',
      'a-2018-01 -500',
      'a-2019-01 -600',
    ]);
    await ledger.ask('changeBackfill', { backfill: 'a-b1', priority: 20 });
    await ledger.pass('admit');
    expect(await runningRuns(ledger)).toEqual(['a-2019-01']);
  });
});

describe('a queued run says what it waits for', () => {
  async function waitOf(run: string, limits: Limits = {}): Promise<string | null | undefined> {
    return (await createReads({ pool: ledger.pool, limits }).run(run))?.waitsFor;
  }

  test('its pipeline, its backfill, its source, or all', async () => {
    await open({}, { 'a.yaml': manifest('a', 'maxActiveRuns: 1\n'), 'b.yaml': manifest('b', many) });
    await ask('a', 2);
    await ask('b', 1);
    expect(await waitOf('b-m1')).toBe('waits for its turn');
    await ledger.pass('admit');
    expect(await waitOf('a-m1')).toBeNull();
    expect(await waitOf('a-m2')).toBe('waits for a place: 1 of 1 runs of pipeline "a" are running');
    await ask('b', 1);
    expect(await waitOf('b-m2', { maxActiveRunsPerSource: 2 })).toBe(
      'waits for a place: 2 of 2 runs of source "local" are running',
    );
    expect(await waitOf('b-m2', { maxActiveRuns: 2 })).toBe(
      'waits for a place: 2 of 2 runs of all pipelines are running',
    );
  });
});
