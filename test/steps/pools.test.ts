import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readRunPublications } from '../../controller/store/publications.ts';
import { createReads } from '../../controller/store/reads.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';
import { blocks, heldSlots, poolManifest, runningRuns } from '../support/pools.ts';

let ledger: TestLedger;
beforeEach(async () => {
  ledger = await createTestLedger();
});
afterEach(() => ledger.close());

const many = 'maxActiveRuns: 100\n';
const pooled = `${many}pool: gpu\n`;
const reads = () => createReads({ pool: ledger.pool });

async function write(files: Record<string, string | null>): Promise<void> {
  await ledger.write(files);
  await ledger.pass('sync');
}

async function ask(pipeline: string, times = 1): Promise<void> {
  for (let n = 0; n < times; n++) await ledger.ask('run', { pipeline });
}

/** The tasks that run, as `run task`. */
function tasks(): string[] {
  return ledger.fake.running().map((id) => `${ledger.fake.order(id)?.run.name} ${ledger.fake.order(id)?.task}`);
}

describe('the pool of a pipeline', () => {
  test('gives each run a slot from its admission to its end, whatever its pipeline', async () => {
    await write({
      'pool.yaml': poolManifest('gpu', 3),
      'a.yaml': manifest('a', pooled),
      'b.yaml': manifest('b', pooled),
    });
    await ask('a', 5);
    await ask('b', 5);
    await ledger.round();
    expect(await runningRuns(ledger)).toEqual(['a-m1', 'a-m2', 'b-m1']);
    expect(await heldSlots(ledger)).toEqual({ gpu: 3 });
    ledger.fake.endAll('Succeeded');
    await ledger.round();
    expect(await runningRuns(ledger)).toHaveLength(3);
    ledger.fake.endAll({ reason: 'CheckFailed' });
    await ledger.round();
    for (let n = 0; n < 3; n++) {
      ledger.fake.endAll('Succeeded');
      await ledger.round();
    }
    expect(await heldSlots(ledger)).toEqual({});
  });

  test('leaves room for pipelines that have none', async () => {
    await write({
      'pool.yaml': poolManifest('gpu', 1),
      'a.yaml': manifest('a', pooled),
      'b.yaml': manifest('b', many),
    });
    await ask('a', 3);
    await ask('b', 2);
    await ledger.round();
    expect(await runningRuns(ledger)).toEqual(['a-m1', 'b-m1', 'b-m2']);
  });
});

describe('the pool of a block', () => {
  test('gives its task a slot while an attempt is live, and none before or after', async () => {
    const two = blocks(['first'], ['heavy', 'needs: [first]\n      pool: gpu']);
    await write({ 'pool.yaml': poolManifest('gpu', 1), 'a.yaml': manifest('a', many, two) });
    await ask('a', 3);
    await ledger.round();
    expect(await heldSlots(ledger)).toEqual({});
    ledger.fake.endAll('Succeeded');
    await ledger.round();
    expect(tasks()).toEqual(['a-m1 heavy']);
    expect(await heldSlots(ledger)).toEqual({ gpu: 1 });
    ledger.fake.endAll('Succeeded');
    await ledger.round();
    expect(tasks()).toEqual(['a-m2 heavy']);
    expect(await runningRuns(ledger)).toEqual(['a-m2', 'a-m3']);
  });

  test('is given up while a retry waits, and asked for again', async () => {
    const one = blocks(['heavy', 'pool: gpu\n      retry: { limit: 1, initial: 1h }']);
    await write({ 'pool.yaml': poolManifest('gpu', 1), 'a.yaml': manifest('a', many, one) });
    await ask('a', 2);
    await ledger.round();
    ledger.fake.endAll({ reason: 'LoadFailed' });
    await ledger.round();
    expect(tasks()).toEqual(['a-m2 heavy']);
  });

  test('is one and the same for runs and for tasks', async () => {
    const heavy = blocks(['heavy', 'pool: gpu']);
    await write({
      'pool.yaml': poolManifest('gpu', 2),
      'a.yaml': manifest('a', pooled),
      'b.yaml': manifest('b', many, heavy),
    });
    await ask('a', 1);
    await ask('b', 3);
    await ledger.round();
    expect(await heldSlots(ledger)).toEqual({ gpu: 2 });
    await ask('a', 1);
    await ledger.round();
    expect(await runningRuns(ledger)).toEqual(['a-m1', 'b-m1', 'b-m2', 'b-m3']);
    expect(tasks()).toEqual(['a-m1 one', 'b-m1 heavy']);
  });

  test('is shared in turns by pipelines, so that a wide one does not keep out another', async () => {
    const wide = blocks(...['q', 'r', 's', 't'].map((name) => [name, 'pool: gpu'] as const));
    await write({
      'pool.yaml': poolManifest('gpu', 1),
      'a.yaml': manifest('a', many, wide),
      'b.yaml': manifest('b', many, blocks(['heavy', 'pool: gpu'])),
    });
    await ask('a', 3);
    await ledger.round();
    await ask('b');
    await ask('a', 3);
    const seen: string[] = [];
    for (let n = 0; n < 3; n++) {
      await ledger.round();
      seen.push(...tasks());
      ledger.fake.endAll('Succeeded');
    }
    expect(seen.slice(0, 3)).toEqual(['a-m1 q', 'b-m1 heavy', 'a-m1 r']);
  });
});

describe('a commit', () => {
  test('that gives a pool more slots lets in more, and one that takes some away stops nobody', async () => {
    await write({ 'pool.yaml': poolManifest('gpu', 1), 'a.yaml': manifest('a', pooled) });
    await ask('a', 6);
    await ledger.round();
    await write({ 'pool.yaml': poolManifest('gpu', 4) });
    await ledger.round();
    expect(await heldSlots(ledger)).toEqual({ gpu: 4 });
    await write({ 'pool.yaml': poolManifest('gpu', 2) });
    await ledger.round();
    expect(await heldSlots(ledger)).toEqual({ gpu: 4 });
    const [first = '', second = '', third = ''] = ledger.fake.running();
    for (const id of [first, second]) ledger.fake.end(id, 'Succeeded');
    await ledger.round();
    expect(await heldSlots(ledger)).toEqual({ gpu: 2 });
    ledger.fake.end(third, 'Succeeded');
    await ledger.round();
    expect(await runningRuns(ledger)).toEqual(['a-m4', 'a-m5']);
    const audit = await ledger.query(`select verb, details from audit where subject_kind = 'pool' order by id`);
    expect(audit).toEqual([1, 4, 2].map((slots) => ({ verb: 'pool', details: { slots } })));
  });

  test('that takes a pool away lets those who hold it finish, and its last slots hold until nobody names it', async () => {
    await write({ 'pool.yaml': poolManifest('gpu', 1), 'a.yaml': manifest('a', pooled) });
    await ask('a', 2);
    await ledger.round();
    await write({ 'pool.yaml': null });
    expect(await ledger.query('select code, line from problems')).toEqual([{ code: 'unknown-pool', line: 6 }]);
    await ledger.round();
    expect(await runningRuns(ledger)).toEqual(['a-m1']);
    expect((await reads().pools()).pools).toMatchObject([{ name: 'gpu', used: 1, waiting: 1, gone: true }]);
    ledger.fake.endAll('Succeeded');
    await ledger.round();
    expect(await runningRuns(ledger)).toEqual(['a-m2']);
    ledger.fake.endAll('Succeeded');
    await ledger.round();
    expect(await ledger.runs()).toEqual(['a-m1 Succeeded', 'a-m2 Succeeded']);
    expect((await reads().pools()).pools).toEqual([]);
  });

  test('whose pool has a mistake leaves the pool, and the pipelines that name it, as they were', async () => {
    await write({ 'pool.yaml': poolManifest('gpu', 1), 'a.yaml': manifest('a', pooled) });
    await write({ 'pool.yaml': poolManifest('gpu', -1), 'a.yaml': manifest('a', `${pooled}timeout: 1h\n`) });
    expect(await ledger.query('select slots, retired_at from pools')).toEqual([{ slots: 1, retired_at: null }]);
    expect(await ledger.query('select ready, retired_at from pipelines')).toEqual([{ ready: false, retired_at: null }]);
  });
});

describe('what is told', () => {
  test('of pools is who holds slots, and who waits for one', async () => {
    await write({
      'pool.yaml': poolManifest('gpu', 2),
      'a.yaml': manifest('a', pooled),
      'b.yaml': manifest('b', many, blocks(['heavy', 'pool: gpu'])),
    });
    await ask('b');
    await ledger.round();
    await ask('a', 3);
    await ledger.round();
    await ask('b');
    await ledger.round();
    const [gpu] = (await reads().pools()).pools;
    expect(gpu).toMatchObject({ name: 'gpu', source: 'local', slots: 2, used: 2, waiting: 3, gone: false });
    expect(gpu?.holders.map(({ run, task }) => [run, task])).toEqual([
      ['b-m1', 'heavy'],
      ['a-m1', null],
    ]);
    expect(gpu?.waiters.map(({ run, task }) => [run, task])).toEqual([
      ['a-m2', null],
      ['a-m3', null],
      ['b-m2', 'heavy'],
    ]);
  });

  test('of a run or task that waits is the pool, with its slots', async () => {
    await write({
      'pool.yaml': poolManifest('gpu', 1),
      'a.yaml': manifest('a', pooled),
      'b.yaml': manifest('b', many, blocks(['heavy', 'pool: gpu'])),
    });
    await ask('a', 2);
    await ledger.round();
    await ask('b');
    await ledger.round();
    const sentence = 'waits for a slot of pool "gpu" (1 of 1 in use)';
    expect((await reads().run('a-m2'))?.waitsFor).toBe(sentence);
    const [{ id }] = (await ledger.query(`select id from runs where name = 'a-m2'`)) as [{ id: number }];
    expect(await readRunPublications(ledger.pool, [id], 10)).toMatchObject([
      { message: 'waits for a slot of pool "gpu"' },
    ]);
    expect((await reads().run('b-m1'))?.tasks).toMatchObject([{ phase: 'Ready', waitsFor: sentence }]);
  });
});
