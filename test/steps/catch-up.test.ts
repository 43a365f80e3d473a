import { afterEach, beforeEach, expect, test } from 'vitest';
import { pipelineList } from '../../controller/api/pipelines.ts';
import { createReads } from '../../controller/store/reads.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';

let ledger: TestLedger;
beforeEach(async () => {
  ledger = await createTestLedger();
});
afterEach(() => ledger.close());

/** A controller that has been away for a week: 168 windows of an hour are due, the newest of them `h-1`, one hour ago. */
async function awayForAWeek(catchUp: string, more = ''): Promise<void> {
  await ledger.write({
    'a.yaml': manifest('a', `schedule: { every: hour, startAt: 2020-01-01, catchUp: ${catchUp} }\n${more}`),
  });
  await ledger.pass('sync');
  await ledger.query(
    `update pipelines set cursor_at = date_trunc('hour', now()) - interval '168 hours', next_due_at = now() - interval '167 hours'`,
  );
}

/** How many hours before this one the windows begin that have a run, in the order in which those were queued. */
async function queued(): Promise<number[]> {
  const rows = await ledger.query(
    `select (extract(epoch from date_trunc('hour', now()) - window_start) / 3600)::int as hours from runs order by id`,
  );
  return rows.map(({ hours }) => hours);
}

const awaiting = async () =>
  (await ledger.query(`select count(*) as n from windows where phase = 'Missing' and reason = 'AwaitsTurn'`))[0].n;

async function endAll(): Promise<void> {
  await ledger.pass('admit', 'advance', 'launch');
  ledger.fake.endAll('Succeeded');
  await ledger.pass('observe', 'advance');
}

test('more windows than `maxWindows` that were missed are passed over, the oldest, as one range with a reason', async () => {
  await awayForAWeek('{ mode: all, maxWindows: 3 }');
  await ledger.pass('schedule');
  expect(await queued()).toEqual([3, 2, 1]);
  expect(await ledger.query('select windows, reason, end_at - start_at as length from skipped_ranges')).toEqual([
    { windows: 165, reason: 'CatchUpLimit', length: expect.objectContaining({ days: 6, hours: 21 }) },
  ]);
  await ledger.pass('schedule');
  expect(await queued()).toHaveLength(3);
});

// Flyte's catch-up has no cap, and was seen to take a database down.
test('a pipeline of minutes that was away for a week comes back without a flood', async () => {
  await ledger.write({
    'a.yaml': manifest(
      'a',
      'schedule: { every: minute, startAt: 2020-01-01, catchUp: { mode: all, maxWindows: 1200, rate: 60 per minute } }\n',
    ),
  });
  await ledger.pass('sync');
  await ledger.query(
    `update pipelines set cursor_at = date_trunc('minute', now()) - interval '7 days', next_due_at = now()`,
  );
  await ledger.pass('schedule');
  expect(await ledger.runs()).toHaveLength(1);
  const [{ n }] = (await ledger.query('select count(*) as n from windows')) as [{ n: number }];
  expect(n).toBeGreaterThanOrEqual(1200);
  expect(n).toBeLessThan(1205);
  expect(await ledger.query('select reason from skipped_ranges')).toEqual([{ reason: 'CatchUpLimit' }]);
});

test('a rate lets only so many missed windows begin at a time, however often the step looks', async () => {
  await awayForAWeek('{ mode: all, rate: 6 per minute }', 'maxActiveRuns: 100\n');
  for (let looks = 0; looks < 3; looks++) await ledger.pass('schedule');
  expect(await queued()).toEqual([168]);
  expect(await awaiting()).toBe(167);
  const [{ pause }] = (await ledger.query(
    'select extract(epoch from paced_until - now())::float8 as pause from pipelines',
  )) as [{ pause: number }];
  expect(pause).toBeGreaterThan(0);
  expect(pause).toBeLessThanOrEqual(10);
  await ledger.query(`update pipelines set paced_until = now() - interval '1 second'`);
  await ledger.pass('schedule');
  expect(await queued()).toEqual([168, 167]);
});

test('missed windows fill no queue: they get their turn when the pipeline has a place', async () => {
  await awayForAWeek('{ mode: all, rate: 6000 per minute }', 'maxActiveRuns: 2\n');
  const ready = () => ledger.query(`update pipelines set paced_until = now() - interval '1 second'`);
  for (let looks = 0; looks < 3; looks++) {
    await ledger.pass('schedule');
    await ready();
  }
  expect(await queued()).toEqual([168, 167]);
  await endAll();
  await ready();
  await ledger.pass('schedule');
  expect(await queued()).toEqual([168, 167, 166, 165]);
});

test('the newest come first where that is asked for, and every window has its turn once', async () => {
  await awayForAWeek('{ mode: all, maxWindows: 5, order: newest }', 'maxActiveRuns: 2\n');
  for (let rounds = 0; rounds < 4; rounds++) {
    await ledger.pass('schedule');
    await endAll();
  }
  expect(await queued()).toEqual([1, 2, 3, 4, 5]);
  expect(await awaiting()).toBe(0);
  await ledger.pass('schedule');
  expect(await ledger.query('select paced_until from pipelines')).toEqual([{ paced_until: null }]);
});

test('a window that awaits its turn may be run by hand, and is not run a second time', async () => {
  await awayForAWeek('{ mode: all, maxWindows: 2, rate: 1 per hour }', 'maxActiveRuns: 5\n');
  await ledger.pass('schedule');
  const [{ label }] = (await ledger.query(`select label from windows where reason = 'AwaitsTurn'`)) as [
    { label: string },
  ];
  expect(await ledger.ask('run', { pipeline: 'a', window: label })).toMatchObject({
    run: expect.stringContaining(label),
  });
  await ledger.query(`update pipelines set paced_until = now() - interval '1 second'`);
  await ledger.pass('schedule');
  expect(await queued()).toHaveLength(2);
  expect(await awaiting()).toBe(0);
});

test('a pipeline that is suspended or gone gives no turns', async () => {
  await awayForAWeek('{ mode: all, rate: 6 per minute }', 'maxActiveRuns: 100\n');
  await ledger.pass('schedule');
  await ledger.query(`update pipelines set suspended = true, paced_until = now() - interval '1 second'`);
  await ledger.pass('schedule');
  expect(await queued()).toHaveLength(1);
  await ledger.query(`update pipelines set suspended = false`);
  await ledger.pass('schedule');
  expect(await queued()).toHaveLength(2);
});

test('a schedule that cannot be computed harms no other, is told as a problem and in the audit, and goes on when it is mended', async () => {
  const hourly = (name: string, zone = 'UTC') =>
    manifest(
      name,
      `schedule: { every: day, timeZone: ${zone}, startAt: 2026-01-01, endAt: 2026-01-03, catchUp: all }\n`,
    );
  await ledger.write({ 'a.yaml': hourly('a'), 'b.yaml': hourly('b') });
  await ledger.pass('sync');
  await ledger.query(
    `update versions set schedule = jsonb_set(schedule, '{calendar,timeZone}', '"Mars/Olympus"')
     where pipeline_id = (select id from pipelines where name = 'a')`,
  );
  for (let looks = 0; looks < 2; looks++) await ledger.pass('schedule');
  expect(await ledger.runs()).toEqual(['b-2026-01-01 Queued', 'b-2026-01-02 Queued']);
  const [audit, ...more] = await ledger.query(
    `select subject, reason, details from audit where verb = 'scheduleFailed'`,
  );
  expect(audit).toEqual({
    subject: 'a',
    reason: 'ScheduleFailed',
    details: { message: expect.stringContaining('MARS/OLYMPUS') },
  });
  expect(more).toEqual([]);
  const list = pipelineList(await createReads({ pool: ledger.pool }).pipelines());
  expect(list.problems).toMatchObject([{ pipeline: 'a', file: 'a.yaml', code: 'schedule-failed' }]);
  expect(list.pipelines[0]?.quiet).toMatchObject({
    why: 'ScheduleFailed',
    message: expect.stringContaining('MARS/OLYMPUS'),
  });
  await ledger.write({ 'a.yaml': hourly('a', 'Europe/Berlin') });
  await ledger.pass('sync', 'schedule');
  expect(await ledger.runs()).toHaveLength(4);
  expect(
    await ledger.query('select schedule_failed_at, schedule_failure from pipelines where name = $1', ['a']),
  ).toEqual([{ schedule_failed_at: null, schedule_failure: null }]);
});
