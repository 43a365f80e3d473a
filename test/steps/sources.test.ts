import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSources, type Given } from '../../controller/git/sources.ts';
import { onProcesses } from '../../controller/manifests/place.ts';
import { createSync } from '../../controller/steps/sync.ts';
import type { PipelineSourceResourceSpec } from '../../schemas/generated/types.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';
import { createTestSync, givenSource } from '../support/sync.ts';

const soon = { timeout: 20_000 };
const monthly = 'schedule: { every: month, startAt: 2019-01-01, endAt: 2019-04-01, catchUp: all }\n';

let ledger: TestLedger;
let home: string;
beforeEach(async () => {
  ledger = await createTestLedger();
  home = await mkdtemp(join(tmpdir(), 'pipewright-home-'));
});
afterEach(async () => {
  await ledger.close();
  await rm(home, { recursive: true });
});

/** A source of the ledger's folder `name`. */
const folder = (name: string, more: PipelineSourceResourceSpec = {}) =>
  givenSource(name, { folder: { path: join(ledger.dir, name) }, ...more });
const parts = () => {
  const log = pino({ level: 'silent' });
  return { pool: ledger.pool, place: onProcesses, wake: () => {}, failpoint: () => {}, log };
};
/** A controller with these sources; a call of what is returned looks at all of them. */
function start(...all: Given[]): () => Promise<unknown> {
  const step = createTestSync({ ...parts(), given: all, home });
  return () => step.pass(new AbortController().signal);
}
const pipelines = async () =>
  (
    await ledger.query(
      `select p.name || ' of ' || s.name || case when p.retired_at is null then '' else ', retired' end as line
       from pipelines p join sources s on s.id = p.source_id order by p.name`,
    )
  ).map(({ line }) => line);
const problems = () =>
  ledger.query(
    'select s.name as source, p.pipeline, p.code, p.message from problems p join sources s on s.id = p.source_id',
  );
const sources = () =>
  ledger.query('select name, suspended, removed_at is not null as removed, failure from sources order by name');

describe('a pipeline that two sources define', () => {
  it('stays with the first, and the other one says so and names both', async () => {
    await ledger.write({ 'one/x.yaml': manifest('x'), 'two/x.yaml': manifest('x'), 'two/y.yaml': manifest('y') });
    const first = start(folder('one'));
    await first();
    await start(folder('one'), folder('two'))();
    expect(await pipelines()).toEqual(['x of one', 'y of two']);
    expect(await problems()).toEqual([
      {
        source: 'two',
        pipeline: 'x',
        code: 'duplicate-name',
        message: 'pipeline "x" is owned by source "one", which keeps it; rename this one or remove the other',
      },
    ]);
  });

  it('has one owner also when both are read at the same moment for the first time', async () => {
    const names = ['a', 'b', 'c', 'd'];
    for (const name of names) await ledger.write({ [`${name}/x.yaml`]: manifest('x') });
    const pass = start(...names.map((name) => folder(name)));
    await pass();
    const [owner] = await pipelines();
    expect(owner).toMatch(/^x of [abcd]$/);
    const others = names.filter((name) => owner !== `x of ${name}`);
    expect((await problems()).map(({ source }) => source).sort()).toEqual(others);
    await pass();
    expect(await pipelines()).toEqual([owner]);
  });

  it('goes to the other source, without a change of that one, when the first drops it', async () => {
    await ledger.write({ 'one/x.yaml': manifest('x'), 'two/x.yaml': manifest('x', 'priority: 5\n') });
    await start(folder('one'))();
    const pass = start(folder('one'), folder('two'));
    await pass();
    await ledger.write({ 'one/x.yaml': null });
    await pass();
    await pass();
    expect([await pipelines(), await problems()]).toEqual([['x of two'], []]);
    expect(await ledger.query('select v.priority from pipelines p join versions v on v.id = p.version_id')).toEqual([
      { priority: 5 },
    ]);
  });

  it('keeps its calendar, its cursor and its runs when another source takes it over', async () => {
    await ledger.write({ 'one/x.yaml': manifest('x', monthly), 'two/x.yaml': manifest('x', monthly) });
    await start(folder('one'))();
    await ledger.pass('schedule', 'admit', 'advance');
    await start(folder('one'), folder('two'))();
    await start(folder('two'))();
    await ledger.pass('advance', 'schedule');
    expect(await pipelines()).toEqual(['x of two']);
    expect(await ledger.query('select number from calendars')).toEqual([{ number: 1 }]);
    expect(await ledger.query('select label from windows order by start_at')).toEqual([
      { label: '2019-01' },
      { label: '2019-02' },
      { label: '2019-03' },
    ]);
    expect(await ledger.runs()).toHaveLength(3);
    await ledger.write({
      'two/x.yaml': manifest('x', monthly.replace('month,', 'quarter,').replace('2019-04-01', '2019-07-01')),
    });
    await start(folder('two'))();
    await ledger.pass('schedule');
    expect(await ledger.query('select number from calendars order by number')).toEqual([{ number: 1 }, { number: 2 }]);
    expect((await ledger.query('select label from windows order by start_at')).at(-1)).toEqual({ label: '2019-q2' });
  });

  it('goes to the other source when the first is no longer declared', async () => {
    await ledger.write({ 'one/x.yaml': manifest('x'), 'two/x.yaml': manifest('x') });
    await start(folder('one'))();
    await start(folder('one'), folder('two'))();
    await start(folder('two'))();
    expect([await pipelines(), await problems()]).toEqual([['x of two'], []]);
  });
});

describe('a source that is no longer declared', () => {
  it('retires its pipelines, says so in the audit, and comes back with their history', async () => {
    await ledger.write({ 'one/x.yaml': manifest('x', monthly), 'two/y.yaml': manifest('y') });
    await start(folder('one'), folder('two'))();
    await ledger.pass('schedule', 'admit', 'advance');
    await start(folder('two'))();
    await ledger.pass('advance');
    expect(await pipelines()).toEqual(['x of one, retired', 'y of two']);
    expect(await sources()).toMatchObject([
      { name: 'one', removed: true },
      { name: 'two', removed: false },
    ]);
    expect(await ledger.runs()).toEqual([
      'x-2019-01 Running',
      'x-2019-02 Cancelled PipelineRetired',
      'x-2019-03 Cancelled PipelineRetired',
    ]);
    expect(
      await ledger.query(
        `select verb, subject from audit where actor = 'sync' and verb in ('removed', 'retired') order by verb`,
      ),
    ).toEqual([
      { verb: 'removed', subject: 'one' },
      { verb: 'retired', subject: 'x' },
    ]);
    await start(folder('one'), folder('two'))();
    expect(await pipelines()).toEqual(['x of one', 'y of two']);
    expect(await ledger.runs()).toHaveLength(3);
  });

  it('stays while nobody knows yet which sources the cluster declares', async () => {
    await ledger.write({ 'one/x.yaml': manifest('x') });
    await start(folder('one'))();
    const all = createSources({ home, given: [], declared: true, onHint: () => {}, signal: AbortSignal.abort() });
    const step = createSync({ ...parts(), sources: all });
    await step.pass(new AbortController().signal);
    expect(await pipelines()).toEqual(['x of one']);
    all.declare([]);
    await step.pass(new AbortController().signal);
    expect(await pipelines()).toEqual(['x of one, retired']);
  });
});

describe('running runs of a pipeline that is gone', () => {
  async function retireRunning(prune: 'finish' | 'cancel'): Promise<string[]> {
    await ledger.write({ 'one/x.yaml': manifest('x', monthly) });
    const pass = start(folder('one', { prune }));
    await pass();
    await ledger.pass('schedule', 'admit', 'advance', 'launch');
    await ledger.write({ 'one/x.yaml': null });
    await pass();
    await ledger.pass('advance', 'launch');
    if (ledger.fake.stopped.length > 0) ledger.fake.endAll('Cancelled');
    await ledger.pass('observe', 'advance');
    return ledger.runs();
  }

  it('finish where nothing is said', async () => {
    expect((await retireRunning('finish'))[0]).toBe('x-2019-01 Running');
  });

  it('are cancelled with `prune: cancel`', async () => {
    expect((await retireRunning('cancel'))[0]).toBe('x-2019-01 Cancelled PipelineRetired');
  });
});

describe('a suspended source', () => {
  it('is not read, and its pipelines go on with what was read last', async () => {
    await ledger.write({ 'one/x.yaml': manifest('x') });
    await start(folder('one'))();
    await ledger.write({ 'one/x.yaml': null, 'one/y.yaml': manifest('y') });
    const pass = start(folder('one', { suspend: true }));
    await pass();
    await pass();
    expect(await pipelines()).toEqual(['x of one']);
    expect(await sources()).toMatchObject([{ name: 'one', suspended: true, removed: false }]);
    await start(folder('one'))();
    expect(await pipelines()).toEqual(['x of one, retired', 'y of one']);
  });
});

describe('a source that fails', () => {
  it('keeps what it has brought, says why until it can be read again, and stops no other', async () => {
    await ledger.write({ 'one/x.yaml': manifest('x'), 'two/y.yaml': manifest('y') });
    const pass = start(folder('one'), folder('two'));
    await pass();
    await rm(join(ledger.dir, 'one'), { recursive: true });
    await ledger.write({ 'two/z.yaml': manifest('z') });
    await pass();
    expect(await pipelines()).toEqual(['x of one', 'y of two', 'z of two']);
    expect(await sources()).toMatchObject([
      { name: 'one', failure: expect.stringMatching(/^folder ".*one" cannot be read \(ENOENT\); create it/) },
      { name: 'two', failure: null },
    ]);
    await ledger.write({ 'one/x.yaml': manifest('x') });
    await pass();
    expect(await sources()).toMatchObject([{ failure: null }, { failure: null }]);
  });

  it('delays no other while it hangs, and does not hold up the end', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    await ledger.write({ 'two/y.yaml': manifest('y') });
    const hanging = givenSource('hangs', { git: { url: `http://127.0.0.1:${port}/x` } });
    const all = createSources({ home, given: [hanging, folder('two')], onHint: () => {}, signal: AbortSignal.abort() });
    const step = createSync({ ...parts(), sources: all });
    const stop = new AbortController();
    await step.pass(stop.signal);
    await expect.poll(pipelines, soon).toEqual(['y of two']);
    await ledger.write({ 'two/z.yaml': manifest('z') });
    all.hint('two');
    await step.pass(stop.signal);
    await expect.poll(pipelines, soon).toEqual(['y of two', 'z of two']);
    stop.abort();
    await step.finish?.();
    silent.close();
  });
});
