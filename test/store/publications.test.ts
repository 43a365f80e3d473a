import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Publisher } from '../../controller/publish/publisher.ts';
import type { RunToPublish } from '../../controller/publish/runs.ts';
import { createPublish } from '../../controller/steps/publish.ts';
import { type Rest, takeDirty } from '../../controller/store/dirty.ts';
import { createLeader } from '../../controller/store/leaders.ts';
import { transaction } from '../../controller/store/pool.ts';
import {
  readPipelinePublications,
  readRunPublications,
  readSourcePublications,
  runsBeyondHistory,
  setSuspended,
} from '../../controller/store/publications.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';

let ledger: TestLedger;
beforeEach(async () => {
  ledger = await createTestLedger({ publishes: true });
});
afterEach(() => ledger.close());

const quarter = `description: Trips
schedule: { every: month, startAt: 2019-01-01, endAt: 2019-04-01, catchUp: all }
maxActiveRuns: 2
timeout: 1h
`;
const twoTasks = `    - name: one
      load: { inline: { rows: [{ n: 1 }] } }
    - name: two
      load: { inline: { rows: [{ n: 1 }] } }
`;
const rest: Rest = { run: {}, pipeline: {} };
const take = (limit = 100) => takeDirty(ledger.pool, { limit, rest });
const allRuns = async (history = 100) => {
  const ids = (await ledger.query('select id from runs order by id')).map(({ id }) => id);
  return readRunPublications(ledger.pool, ids, history);
};

describe('what a run shows', () => {
  test('while it is queued, runs, and has ended', async () => {
    await ledger.write({ 'a.yaml': manifest('a', quarter, twoTasks) });
    await ledger.pass('sync', 'schedule');
    const [queued] = await allRuns();
    expect(queued).toMatchObject({
      name: 'a-2019-01',
      pipeline: 'a',
      window: { start: new Date('2019-01-01'), end: new Date('2019-02-01'), label: '2019-01' },
      trigger: 'schedule',
      phase: 'Queued',
      tasks: { done: 0, total: 2 },
      startedAt: null,
      place: null,
      origin: null,
      newer: 2,
    });
    await ledger.round();
    ledger.fake.end(ledger.fake.running()[0] as string, 'Succeeded');
    await ledger.round();
    const place = { job: 'a-2019-01-1', node: 'n1' };
    await ledger.query('update attempts set place = $1 where run_id = $2', [place, queued?.id]);
    const [running] = await allRuns();
    expect(running).toMatchObject({ phase: 'Running', tasks: { done: 1, total: 2 }, place, finishedAt: null });
    expect(running?.startedAt).toBeInstanceOf(Date);
  });

  test('counts newer runs up to the history, and finds those that are out of it and have ended', async () => {
    await ledger.write({ 'a.yaml': manifest('a', quarter) });
    await ledger.round();
    expect((await allRuns(1)).map(({ newer }) => newer)).toEqual([1, 1, 0]);
    const beyond = (count: number) => runsBeyondHistory(ledger.pool, [{ name: 'a', count }], 1);
    expect(await beyond(5)).toEqual([]);
    ledger.fake.endAll('Succeeded');
    await ledger.round();
    expect(await beyond(5)).toEqual([
      { name: 'a-2019-02', origin: null },
      { name: 'a-2019-01', origin: null },
    ]);
    expect(await beyond(1)).toHaveLength(1);
  });
});

test('a pipeline shows its version, its newest run, what is live, and the problem of a manifest that broke', async () => {
  await ledger.write({ 'a.yaml': manifest('a', quarter) });
  await ledger.round();
  await ledger.write({ 'a.yaml': manifest('a', 'wrong: 1\n') });
  await ledger.pass('sync');
  const [row] = await readPipelinePublications(ledger.pool, { names: ['a', 'b'] });
  expect(row).toMatchObject({
    name: 'a',
    description: 'Trips',
    source: 'local',
    file: 'a.yaml',
    schedule: { catchUp: 'all' },
    calendar: { every: { unit: 'month', count: 1 } },
    maxActiveRuns: 2,
    timeoutMs: 3_600_000,
    suspended: false,
    retired: false,
    ready: false,
    problem: expect.stringContaining('wrong'),
    lastRun: { name: 'a-2019-03', window: '2019-03', phase: 'Queued' },
    activeRuns: 2,
    queuedRuns: 1,
  });
  expect(await readPipelinePublications(ledger.pool, { ids: [row?.id as number] })).toEqual([row]);
});

test('a source shows how many pipelines it has, and the first problems', async () => {
  await ledger.write({
    'a.yaml': manifest('a'),
    'b.yaml': manifest('b', 'wrong: 1\nworse: 1\n'),
    'c.yaml': manifest('c'),
  });
  await ledger.pass('sync');
  const [row, ...others] = await readSourcePublications(ledger.pool, { names: ['local'] }, 1);
  expect(others).toEqual([]);
  expect(row).toMatchObject({ name: 'local', location: ledger.dir, pipelines: 2, problemCount: 2 });
  expect(row?.problems).toEqual([
    {
      file: 'b.yaml',
      line: 5,
      column: 3,
      code: 'unknown-field',
      message: expect.stringContaining('wrong'),
      pipeline: 'b',
      revision: row?.revision?.slice(0, 12),
    },
  ]);
  expect(row?.syncedAt).toBeInstanceOf(Date);
  expect(await readSourcePublications(ledger.pool, { ids: [row?.id as number] }, 1)).toEqual([row]);
});

test('suspending twice changes a pipeline once', async () => {
  await ledger.write({ 'a.yaml': manifest('a') });
  await ledger.pass('sync');
  const suspend = () => transaction(ledger.pool, (db) => setSuspended(db, 'a', true));
  expect([await suspend(), await suspend()]).toEqual([true, false]);
});

describe('the step', () => {
  /** Instead of the API server: keeps what it is given, and lets the test do something in the middle of it. */
  function stub(inBetween: () => Promise<unknown> = async () => {}) {
    const given: string[] = [];
    const publisher: Pick<
      Publisher,
      'publishRuns' | 'publishPipelines' | 'publishSources' | 'removeRuns' | 'isNewRun' | 'reset'
    > = {
      async publishRuns(items: readonly RunToPublish[]) {
        given.push(...items.map(({ run }) => `${run.name} ${run.phase}`));
        await inBetween();
      },
      publishPipelines: async () => {},
      publishSources: async () => {},
      removeRuns: async () => {},
      isNewRun: () => false,
      reset: () => void given.push('reset'),
    };
    return { given, publisher: publisher as Publisher };
  }
  const step = (holder: string, { publisher }: ReturnType<typeof stub>, isBusy = () => false) => {
    const leader = createLeader({ pool: ledger.pool, name: 'publish', holder, forMs: 60_000 });
    const publish = createPublish({ pool: ledger.pool, leader, publisher, isBusy, history: 10, rest });
    return { pass: () => publish.pass(new AbortController().signal), release: leader.release };
  };

  test('is done by one replica, and the other goes on where it stopped', async () => {
    await ledger.write({ 'a.yaml': manifest('a', quarter) });
    await ledger.pass('sync', 'schedule');
    const [a, b] = [stub(), stub()];
    const [first, second] = [step('a', a), step('b', b)];
    await first.pass();
    await second.pass();
    expect(a.given).toEqual(['reset', 'a-2019-01 Queued', 'a-2019-02 Queued', 'a-2019-03 Queued']);
    expect(b.given).toEqual([]);
    await first.pass();
    expect(a.given).toHaveLength(4);
    await first.release();
    await second.pass();
    expect(b.given).toEqual(a.given);
  });

  test('shows a little at a time while the API server has Jobs to make, and the rest afterwards', async () => {
    await ledger.write({ 'a.yaml': manifest('a', quarter) });
    await ledger.pass('sync', 'schedule');
    const a = stub();
    let busy = true;
    const { pass } = step('a', a, () => busy);
    await pass();
    const first = a.given.length;
    expect(first).toBeLessThan(4);
    busy = false;
    await pass();
    expect(a.given).toEqual(['reset', 'a-2019-01 Queued', 'a-2019-02 Queued', 'a-2019-03 Queued']);
  });

  test('that lost its leadership while it wrote has it all written once more by the new leader', async () => {
    await ledger.write({ 'a.yaml': manifest('a', quarter) });
    await ledger.pass('sync', 'schedule');
    const b = stub();
    const second = step('b', b);
    const a = stub(async () => {
      await ledger.query(`update leaders set expires_at = now()`);
      await second.pass();
    });
    await step('a', a).pass();
    expect(b.given).toHaveLength(4);
    await second.pass();
    expect(b.given).toHaveLength(7);
    expect(await take()).toEqual([]);
  });
});
