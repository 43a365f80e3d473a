/** What other schedulers are known to do to those who trust them. Each wound has a name here, and its place beside it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runLoop } from '../../controller/loop.ts';
import { createSignals } from '../../controller/signals.ts';
import { createReads } from '../../controller/store/reads.ts';
import { type FailpointName, failpoints } from '../../schemas/failpoints.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';

let ledger: TestLedger;
beforeEach(async () => {
  ledger = await createTestLedger({ capacity: 1000 });
});
afterEach(() => ledger.close());

const monthly = (more = '') => `schedule: { every: month, startAt: 2026-01-01, endAt: 2026-01-01T00:00:01Z }\n${more}`;
const labels = async () =>
  (await ledger.query('select window_label as label from runs order by window_start, run_no')).map(
    ({ label }) => label,
  );

/** Rounds in which all that runs succeeds, until nothing is live. */
async function drain(): Promise<void> {
  for (let round = 0; round < 60; round++) {
    await ledger.round();
    await ledger.pass('schedule');
    const live = await ledger.query(
      `select from runs where phase in ('Queued', 'Running') union all select from backfills where phase = 'Running'`,
    );
    if (live.length === 0) return;
    ledger.fake.endAll('Succeeded');
  }
  throw new Error(`it does not come to an end: ${await ledger.runs()}`);
}

describe('windows that came due while no controller ran', () => {
  // argoproj/argo-workflows#9632: only the latest one of them is run. Mage has no catch-up at all.
  test('are all run, each once and oldest first, with `catchUp: all`', async () => {
    await ledger.write({
      'a.yaml': manifest(
        'a',
        'schedule: { every: day, startAt: 2025-01-01, endAt: 2025-03-01, catchUp: all }\nmaxActiveRuns: 100\n',
      ),
    });
    await ledger.round();
    const found = await labels();
    expect(found).toHaveLength(59);
    expect(found.slice(0, 2)).toEqual(['2025-01-01', '2025-01-02']);
    await drain();
    expect(await labels()).toEqual(found);
  });
});

describe('a time of the day on which clocks change', () => {
  // Argo's cron fires not at all in spring, twice in autumn.
  test.each([
    ['in spring, when it does not exist', '2025-03-08', '2025-03-11'],
    ['in autumn, when it is there twice', '2025-11-01', '2025-11-04'],
  ])('%s, comes once a day', async (_, startAt, endAt) => {
    const schedule = `schedule: { cron: "30 1,2 * * *", timeZone: America/New_York, startAt: ${startAt}, endAt: ${endAt}, catchUp: all }\n`;
    const starts = async (name: string) =>
      (
        await ledger.query(
          `select to_char(window_start at time zone 'America/New_York', 'DD') as day, count(*)::int as ticks from windows w
           join pipelines p on p.id = w.pipeline_id join runs r on r.id = w.last_run_id where p.name = $1 group by 1 order by 1`,
          [name],
        )
      ).map(({ ticks }) => ticks);
    const once = schedule.replace('1,2', '2');
    await ledger.write({ 'a.yaml': manifest('a', once), 'b.yaml': manifest('b', schedule) });
    await ledger.round();
    expect(await starts('a')).toEqual([1, 1]);
    expect(await starts('b')).toEqual([2, 2, 1]);
  });
});

describe('a backfill', () => {
  // apache/airflow#72337: what was paused when it was cancelled stays queued for ever.
  test('that is cancelled while it is suspended strands neither its runs nor those that others wait for', async () => {
    await ledger.write({ 'a.yaml': manifest('a', monthly()) });
    await ledger.round();
    await ledger.ask('backfill', { pipeline: 'a', from: '2019-01', to: '2019-04', maxActiveRuns: 3 });
    await ledger.pass('schedule');
    await ledger.ask('changeBackfill', { backfill: 'a-b1', suspended: true });
    await ledger.ask('backfill', { pipeline: 'a', from: '2019-02', to: '2019-05', rerun: 'all', maxActiveRuns: 3 });
    await ledger.pass('schedule');
    await ledger.ask('changeBackfill', { backfill: 'a-b1', cancel: true });
    await drain();
    expect(await ledger.runs()).toEqual([
      'a-2019-01 Cancelled CancelledByRequest',
      'a-2019-02 Succeeded',
      'a-2019-03 Succeeded',
      'a-2019-04 Succeeded',
    ]);
    const phases = (await createReads({ pool: ledger.pool }).backfills({})).map(
      ({ name, phase }) => `${name} ${phase}`,
    );
    expect(phases).toEqual(['a-b2 Succeeded', 'a-b1 Cancelled']);
    await ledger.ask('rerun', { run: 'a-2019-01' });
    await drain();
    expect(await ledger.runs()).toContain('a-2019-01-2 Succeeded');
  });

  // apache/airflow#72337 once more: a run of it that is asked for again is admitted, whatever became of the backfill.
  test('that is cancelled leaves windows that can be run by anybody at once', async () => {
    await ledger.write({ 'a.yaml': manifest('a', monthly()) });
    await ledger.round();
    await ledger.ask('backfill', { pipeline: 'a', from: '2019-01', to: '2019-03', maxActiveRuns: 1 });
    await ledger.pass('schedule');
    await ledger.ask('changeBackfill', { backfill: 'a-b1', suspended: true });
    await ledger.ask('changeBackfill', { backfill: 'a-b1', cancel: true });
    await ledger.pass('advance');
    expect(await ledger.ask('run', { pipeline: 'a', window: '2019-01' })).toEqual({ run: 'a-2019-01-2' });
    await drain();
    expect(await ledger.runs()).toEqual(['a-2019-01 Cancelled CancelledByRequest', 'a-2019-01-2 Succeeded']);
  });

  // Airflow: runs of a backfill compete with those of the schedule as equals.
  test('comes after the live runs of its pipeline, also those that are queued later', async () => {
    await ledger.write({ 'a.yaml': manifest('a', monthly('maxActiveRuns: 2\n')) });
    await ledger.round();
    await ledger.ask('backfill', { pipeline: 'a', from: '2018', to: '2019' });
    await ledger.pass('schedule');
    for (const window of ['2020-01', '2020-02']) await ledger.ask('run', { pipeline: 'a', window });
    await ledger.round();
    expect((await ledger.runs()).filter((line) => line.endsWith('Running'))).toEqual([
      'a-2020-01 Running',
      'a-2020-02 Running',
    ]);
  });

  // dagster-io/dagster#28998: its daemon makes about one run a second, each by itself.
  test('queues as many runs as it has room for in one pass, in one statement', async () => {
    await ledger.write({
      'a.yaml': manifest('a', 'schedule: { every: hour, startAt: 2026-01-01, endAt: 2026-01-01T00:00:01Z }\n'),
    });
    await ledger.round();
    await ledger.ask('backfill', { pipeline: 'a', from: '2019-01-01', to: '2019-02-01', maxActiveRuns: 400 });
    await ledger.start().schedule.pass(new AbortController().signal);
    const [{ runs, transactions }] = await ledger.query(
      `select count(*)::int as runs, count(distinct xmin::text)::int as transactions from runs where phase = 'Queued'`,
    );
    expect({ runs, transactions }).toEqual({ runs: 400, transactions: 1 });
  });

  // Mage: a backfill runs the window that begins at its end, too.
  test('does not run the window that begins at its end', async () => {
    await ledger.write({ 'a.yaml': manifest('a', monthly('maxActiveRuns: 100\n')) });
    await ledger.round();
    await ledger.ask('backfill', { pipeline: 'a', from: '2019-01-01', to: '2019-03-01' });
    await drain();
    expect(await labels()).toEqual(['2019-01', '2019-02']);
  });
});

describe('a slot', () => {
  // kestra-io/kestra#19679, #14356: a counter that a kill or a crash leaves too high keeps all that follow queued.
  const places = failpoints.filter((name) => /^(schedule|admit|launch|observe|advance|stop|intake)\./.test(name));
  test.each(places)('is free again after a crash at %s, a cancelled run and a failed one', async (place) => {
    await ledger.write({
      'a.yaml': manifest('a', 'schedule: { every: month, startAt: 2019-01-01, endAt: 2019-05-01, catchUp: all }\n'),
    });
    await ledger.round();
    await crashAt(place, () => ledger.fake.endAll({ reason: 'LoadFailed' }));
    await ledger.query(`update attempts set claimed_until = now() - interval '1 second' where phase = 'Claimed'`);
    await ledger.round();
    const [live] = await ledger.query(`select name from runs where phase = 'Running'`);
    await ledger.ask('cancel', { run: live.name });
    await crashAt(place, () => ledger.fake.endAll('gone'));
    await ledger.query(`update attempts set claimed_until = now() - interval '1 second' where phase = 'Claimed'`);
    await drain();
    const runs = await ledger.runs();
    expect(runs).toHaveLength(4);
    expect(runs.filter((line) => line.endsWith('Succeeded')).length).toBeGreaterThanOrEqual(2);
  });

  /** Every step once more by a controller that dies at that place, where it comes there. */
  async function crashAt(place: FailpointName, before: () => void): Promise<void> {
    before();
    const failpoint = (name: FailpointName) => {
      if (name === place) throw new Error(`crash at ${name}`);
    };
    const steps = ledger.start({ failpoint });
    for (const step of Object.values(steps)) {
      await step
        .pass(new AbortController().signal)
        .catch((error: Error) => expect(error.message).toBe(`crash at ${place}`));
      await step.finish?.();
    }
  }
});

describe('a run that waits for its turn', () => {
  // Mage was seen to leave a run queued for nine minutes, until something else woke it.
  test('is woken by the end of the one before it, and by nothing else', async () => {
    await ledger.write({
      'a.yaml': manifest('a', 'schedule: { every: month, startAt: 2019-01-01, endAt: 2019-04-01, catchUp: all }\n'),
    });
    const signals = createSignals();
    const stop = new AbortController();
    const steps = Object.values(ledger.start({ wake: signals.wake }));
    // Long enough that no step looks by itself within this test.
    const patient = steps.map((step) => ({ ...step, everyMs: 3_600_000 }));
    const log = { child: () => log, warn() {}, info() {}, error() {} } as never;
    const loops = patient.map((step) => runLoop({ step, signals, signal: stop.signal, log }));
    for (const label of ['2019-01', '2019-02', '2019-03']) {
      await expect.poll(() => ledger.fake.running().map((id) => ledger.fake.order(id)?.window?.label)).toEqual([label]);
      ledger.fake.endAll('Succeeded');
      signals.wake('observe');
    }
    await expect
      .poll(() => ledger.runs())
      .toEqual(['a-2019-01 Succeeded', 'a-2019-02 Succeeded', 'a-2019-03 Succeeded']);
    stop.abort();
    await Promise.all(loops);
  });

  // As above: with the wake-ups lost, the steps' own looks do it.
  test('is admitted by the next look of the steps when every wake-up is lost', async () => {
    await ledger.write({
      'a.yaml': manifest('a', 'schedule: { every: month, startAt: 2019-01-01, endAt: 2019-04-01, catchUp: all }\n'),
    });
    await drain();
    expect(await ledger.runs()).toEqual(['a-2019-01 Succeeded', 'a-2019-02 Succeeded', 'a-2019-03 Succeeded']);
    for (const step of Object.values(ledger.start())) expect(step.everyMs).toBeLessThanOrEqual(60_000);
  });
});

// mage-ai/mage-ai#3068: the previous interval's start is the run's less so many seconds, and wrong by days where months differ.
test('the window before a month is the month before it, however long either is', async () => {
  await ledger.write({
    'a.yaml': manifest(
      'a',
      'schedule: { every: month, timeZone: America/New_York, startAt: 2019-01-01, endAt: 2019-05-01, catchUp: all }\nmaxActiveRuns: 10\n',
    ),
  });
  await ledger.round();
  const windows = ledger.fake.running().map((id) => ledger.fake.order(id)?.window);
  expect(windows.map((window) => [window?.previousStart.slice(0, 10), window?.start.slice(0, 10)])).toEqual([
    ['2018-12-01', '2019-01-01'],
    ['2019-01-01', '2019-02-01'],
    ['2019-02-01', '2019-03-01'],
    ['2019-03-01', '2019-04-01'],
  ]);
  for (const window of windows) expect(window?.previousEnd).toBe(window?.start);
});
