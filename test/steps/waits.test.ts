import { afterEach, beforeEach, expect, test } from 'vitest';
import { readRunPublications } from '../../controller/store/publications.ts';
import { createReads } from '../../controller/store/reads.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';

let ledger: TestLedger;
beforeEach(async () => {
  ledger = await createTestLedger({ capacity: 100 });
});
afterEach(() => ledger.close());

const quarter = 'startAt: 2019-01-01, endAt: 2019-04-01, catchUp: all';
const monthly = `schedule: { every: month, ${quarter} }\nmaxActiveRuns: 10\n`;
const waiting = (name: string, wait: string, spec = monthly) =>
  manifest(
    name,
    spec,
    `    - { name: ready, wait: { ${wait} } }\n    - { name: one, needs: [ready], load: { inline: { rows: [{ n: 1 }] } } }\n`,
  );
const write = (down: string, up = manifest('up', monthly)) => ledger.write({ 'up.yaml': up, 'down.yaml': down });

/** Ends what runs and has a name that ends so. */
async function end(suffix: string, how: 'Succeeded' | { reason: 'LoadFailed' } = 'Succeeded'): Promise<void> {
  for (const id of ledger.fake.running())
    if (ledger.fake.order(id)?.run.name.endsWith(suffix)) ledger.fake.end(id, how);
  await ledger.round();
}

const runsOf = async (pipeline: string) => (await ledger.runs()).filter((line) => line.startsWith(`${pipeline}-`));
const waits = () => ledger.query('select run_id, block from waits');

test('a run begins when the window of the other pipeline has succeeded, whichever comes first', async () => {
  await write(waiting('down', 'pipeline: up'));
  await ledger.round();
  expect(await runsOf('down')).toEqual(['down-2019-01 Queued', 'down-2019-02 Queued', 'down-2019-03 Queued']);
  await end('up-2019-02');
  expect(await runsOf('down')).toEqual(['down-2019-01 Queued', 'down-2019-02 Running', 'down-2019-03 Queued']);
  await end('');
  await end('');
  expect(await ledger.runs()).toEqual(
    ['down', 'up'].flatMap((name) => [1, 2, 3].map((month) => `${name}-2019-0${month} Succeeded`)),
  );
  expect(await ledger.query(`select phase, attempts from tasks where name = 'ready'`)).toEqual(
    [1, 2, 3].map(() => ({ phase: 'Succeeded', attempts: 0 })),
  );
  expect(await waits()).toEqual([]);
});

test('takes no place while it waits: a run that waits for nothing goes first', async () => {
  await write(waiting('down', 'pipeline: up', monthly.replace('10', '1')));
  await ledger.round();
  await end('up-2019-03');
  expect(await runsOf('down')).toEqual(['down-2019-01 Queued', 'down-2019-02 Queued', 'down-2019-03 Running']);
});

test('waits for all windows that cover its own, whatever cuts them', async () => {
  const daily = 'schedule: { every: day, startAt: 2019-01-01, endAt: 2019-02-03, catchUp: all }\nmaxActiveRuns: 100\n';
  await write(waiting('down', 'pipeline: up'), manifest('up', daily));
  await ledger.round();
  await end('up-2019-01-17');
  for (const day of ledger.fake.running().filter((id) => !ledger.fake.order(id)?.run.name.endsWith('01-31')))
    ledger.fake.end(day, 'Succeeded');
  await ledger.round();
  expect(await runsOf('down')).toContain('down-2019-01 Queued');
  await end('up-2019-01-31');
  expect(await runsOf('down')).toEqual(['down-2019-01 Running', 'down-2019-02 Queued', 'down-2019-03 Queued']);
});

test('a larger window covers several smaller ones, also where neither begins with the other', async () => {
  const weeks = 'schedule: { every: week, startAt: 2018-12-31, endAt: 2019-02-11, catchUp: all }\nmaxActiveRuns: 10\n';
  await write(waiting('down', 'pipeline: up', weeks));
  await ledger.round();
  await end('up-2019-01');
  const running = async () =>
    (await runsOf('down')).filter((line) => line.endsWith('Running')).map((line) => line.slice(5, 13));
  expect(await running()).toEqual(['2019-w02', '2019-w03', '2019-w04']);
  await end('up-2019-02');
  expect(await running()).toEqual(['2019-w02', '2019-w03', '2019-w04', '2019-w05', '2019-w06']);
});

test('the window before is what it waits for when told to, and nothing lies before the first', async () => {
  await write(waiting('down', 'pipeline: up, window: previous'));
  await ledger.round();
  expect(await runsOf('down')).toEqual(['down-2019-01 Running', 'down-2019-02 Queued', 'down-2019-03 Queued']);
  await end('up-2019-01');
  expect(await runsOf('down')).toEqual(['down-2019-01 Running', 'down-2019-02 Running', 'down-2019-03 Queued']);
});

test('goes on waiting when the other one fails, and begins when a rerun has mended that', async () => {
  await write(waiting('down', 'pipeline: up, window: same'));
  await ledger.round();
  await end('up-2019-01', { reason: 'LoadFailed' });
  await end('up-2019-02');
  expect(await runsOf('down')).toEqual(['down-2019-01 Queued', 'down-2019-02 Running', 'down-2019-03 Queued']);
  await ledger.ask('rerun', { run: 'up-2019-01' });
  await ledger.round();
  await end('up-2019-01-2');
  expect((await runsOf('down'))[0]).toBe('down-2019-01 Running');
});

test('a window that is being run again is waited for', async () => {
  await write(waiting('down', 'pipeline: up'), manifest('up', monthly));
  await ledger.pass('sync', 'schedule');
  await ledger.query(
    `update runs set cancel_requested_at = now(), cancel_reason = 'CancelledByRequest', news = true where name like 'down%'`,
  );
  await ledger.round();
  await end('up-2019-01');
  await ledger.ask('rerun', { run: 'up-2019-01' });
  await ledger.ask('rerun', { run: 'down-2019-01' });
  await ledger.round();
  expect(await runsOf('down')).toContain('down-2019-01-2 Queued');
  await end('up-2019-01-2', { reason: 'LoadFailed' });
  expect(await runsOf('down')).toContain('down-2019-01-2 Queued');
});

/** As if they had been queued a week ago. */
const aWeekLater = () => ledger.query(`update waits set give_up_at = give_up_at - interval '7 days'`);

test('gives up after the longest wait: as UpstreamFailed where a window has failed, else as TimedOut', async () => {
  await write(waiting('down', 'pipeline: up'));
  await ledger.round();
  await end('up-2019-01', { reason: 'LoadFailed' });
  await aWeekLater();
  await ledger.round();
  expect(await runsOf('down')).toEqual([
    'down-2019-01 Failed UpstreamFailed',
    'down-2019-02 Failed TimedOut',
    'down-2019-03 Failed TimedOut',
  ]);
  const [failed, timedOut] = await ledger.query(`select message from runs where name like 'down%' order by name`);
  const stretch = (from: string, to: string) =>
    `block "ready": pipeline "up" was not done with 2019-${from}-01T00:00:00.000Z to 2019-${to}-01T00:00:00.000Z in time:`;
  const wayOut = '; run that first, then this again';
  expect(failed?.message).toBe(`${stretch('01', '02')} 2019-01 is Failed (LoadFailed)${wayOut}`);
  expect(timedOut?.message).toBe(`${stretch('02', '03')} 2019-02 is Running${wayOut}`);
  expect(
    await ledger.query(`select phase from windows w join pipelines p on p.id = pipeline_id and name = 'down'`),
  ).toEqual([1, 2, 3].map(() => ({ phase: 'Failed' })));
  expect(await waits()).toEqual([]);
});

test('what was skipped because there was nothing to do is done, and what catch-up passed over is not', async () => {
  const latest = manifest(
    'up',
    monthly.replace('all', 'latest'),
    '    - name: one\n      when: "false"\n      load: { inline: { rows: [{ n: 1 }] } }\n',
  );
  await write(waiting('down', 'pipeline: up'), latest);
  await ledger.round();
  await ledger.round();
  expect(await runsOf('up')).toEqual(['up-2019-03 Skipped ConditionFalse']);
  expect(await runsOf('down')).toEqual(['down-2019-01 Queued', 'down-2019-02 Queued', 'down-2019-03 Running']);
});

test('waits for each of several pipelines at the same time', async () => {
  const two = manifest(
    'down',
    monthly,
    '    - { name: a, wait: { pipeline: up } }\n    - { name: b, wait: { pipeline: other } }\n',
  );
  await ledger.write({
    'up.yaml': manifest('up', monthly),
    'other.yaml': manifest('other', monthly),
    'down.yaml': two,
  });
  await ledger.round();
  await end('up-2019-01');
  expect((await runsOf('down'))[0]).toBe('down-2019-01 Queued');
  await end('other-2019-01');
  await ledger.round();
  expect((await runsOf('down'))[0]).toBe('down-2019-01 Succeeded');
});

test('follows its pipeline: a version that waits for another one, or for none, holds for what is queued', async () => {
  await write(waiting('down', 'pipeline: up'), manifest('up', monthly));
  await ledger.round();
  await ledger.write({ 'other.yaml': manifest('other', monthly), 'down.yaml': waiting('down', 'pipeline: other') });
  await ledger.round();
  await end('up-2019-01');
  expect((await runsOf('down'))[0]).toBe('down-2019-01 Queued');
  await end('other-2019-02');
  expect((await runsOf('down'))[1]).toBe('down-2019-02 Running');
  await ledger.write({ 'down.yaml': manifest('down', monthly) });
  await ledger.round();
  expect((await runsOf('down')).every((line) => line.endsWith('Running'))).toBe(true);
});

test('leaves nothing behind when it is cancelled while it waits', async () => {
  await write(waiting('down', 'pipeline: up'));
  await ledger.round();
  for (const month of [1, 2, 3]) await ledger.ask('cancel', { run: `down-2019-0${month}` });
  await ledger.round();
  expect((await runsOf('down'))[0]).toBe('down-2019-01 Cancelled CancelledByRequest');
  expect(await waits()).toEqual([]);
});

test('a controller that dies while it looks leaves the same to the next one', async () => {
  await write(waiting('down', 'pipeline: up'));
  await ledger.round();
  const dying = ledger.start({
    failpoint: (name) => {
      if (name === 'wait.before-commit') throw new Error('killed');
    },
  });
  for (const id of ledger.fake.running()) ledger.fake.end(id, 'Succeeded');
  await ledger.pass('observe', 'advance');
  await expect(dying.admit.pass(new AbortController().signal)).rejects.toThrow('killed');
  expect((await runsOf('down'))[0]).toBe('down-2019-01 Queued');
  await ledger.round();
  expect((await runsOf('down')).every((line) => line.endsWith('Running'))).toBe(true);
});

test('a window that ends while somebody looks at who waits for it is not missed', async () => {
  await write(waiting('down', 'pipeline: up'));
  await ledger.round();
  await ledger.query('update waits set woken = true');
  const settling = await ledger.pool.connect();
  await settling.query('begin');
  await settling.query(`update windows set phase = 'Succeeded', live_run_id = null where label = '2019-01' and live_run_id in
    (select id from runs where name like 'up%')`);
  // Nothing of that is to be seen yet, and whoever looks now must not put to sleep what is just being woken.
  await ledger.query(
    `update waits set give_up_at = now() where run_id = (select id from runs where name = 'down-2019-02')`,
  );
  await ledger.pass('admit');
  await settling.query('commit');
  settling.release();
  await ledger.round();
  expect(await runsOf('down')).toEqual(['down-2019-01 Running', 'down-2019-02 Failed TimedOut', 'down-2019-03 Queued']);
});

test('says what it waits for as that is at the moment', async () => {
  await ledger.write({
    'down.yaml': waiting('down', 'pipeline: up'),
    'up.yaml': manifest('up', `${monthly}nothing: 1\n`),
  });
  await ledger.round();
  const waitsFor = async (run: string) =>
    (await createReads({ pool: ledger.pool }).run(run))?.waitsFor?.replace(/; gives up at .*Z/, '');
  expect(await waitsFor('down-2019-01')).toBe('waits for pipeline "up", of which no version was good so far');
  await write(waiting('down', 'pipeline: up'), manifest('up', monthly.replace('2019-01-01', '2019-02-01')));
  await ledger.round();
  expect(await waitsFor('down-2019-01')).toBe(
    'waits for pipeline "up": it has no window at 2019-01-01T00:00:00.000Z so far',
  );
  expect(await waitsFor('down-2019-02')).toBe('waits for pipeline "up": 2019-02 is Running');
  const [{ id }] = (await ledger.query(`select id from runs where name = 'down-2019-02'`)) as [{ id: number }];
  expect(await readRunPublications(ledger.pool, [id], 10)).toMatchObject([{ message: 'waits for pipeline "up"' }]);
  await end('up-2019-02', { reason: 'LoadFailed' });
  expect(await waitsFor('down-2019-02')).toBe('waits for pipeline "up": 2019-02 is Failed (LoadFailed)');
  await end('up-2019-03');
  expect(await waitsFor('down-2019-03')).toBe(undefined);
});

test('tells of a window that something it waited for was made anew after it, until it has run again', async () => {
  await write(waiting('down', 'pipeline: up'));
  await ledger.round();
  for (let rounds = 0; rounds < 3; rounds++) await end('');
  const reads = createReads({ pool: ledger.pool });
  const stale = async () => (await reads.windows('down', { limit: 10 }))?.windows.map((window) => window.stale);
  expect(await stale()).toEqual([null, null, null]);
  await ledger.ask('rerun', { run: 'up-2019-02' });
  await ledger.round();
  expect(await stale()).toEqual([null, null, null]);
  await end('up-2019-02-2', { reason: 'LoadFailed' });
  expect(await stale()).toEqual([null, null, null]);
  await ledger.ask('rerun', { run: 'up-2019-02-2' });
  await ledger.round();
  await end('up-2019-02-3');
  expect(await stale()).toEqual([null, 'upstream', null]);
  const range = { pipeline: 'down', from: '2019', to: '2020', rerun: 'stale' };
  expect(await ledger.ask('backfill', range)).toEqual({ backfill: 'down-b1', windows: 1 });
  for (let rounds = 0; rounds < 3; rounds++) await end('');
  expect(await stale()).toEqual([null, null, null]);
});
