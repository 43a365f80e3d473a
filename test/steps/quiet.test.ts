import { afterEach, beforeEach, expect, test } from 'vitest';
import { pipelineList } from '../../controller/api/pipelines.ts';
import { createReads } from '../../controller/store/reads.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';

let ledger: TestLedger;
beforeEach(async () => {
  ledger = await createTestLedger();
});
afterEach(() => ledger.close());

const list = async () => pipelineList(await createReads({ pool: ledger.pool }).pipelines()).pipelines;
const only = async () => (await list())[0]!;

/** Hourly, and there for four days: its last success was then. */
async function fourDaysOld(more = ''): Promise<void> {
  await ledger.write({
    'a.yaml': manifest('a', `schedule: { every: hour, startAt: 2026-01-01, catchUp: latest }\n${more}`),
  });
  await ledger.pass('sync');
  await ledger.query(
    `update pipelines set created_at = now() - interval '5 days', cursor_at = date_trunc('hour', now()) - interval '4 days', next_due_at = now()`,
  );
  await ledger.query(
    `insert into windows (pipeline_id, calendar_id, start_at, end_at, label, due_at, phase)
     select id, calendar_id, cursor_at - interval '1 hour', cursor_at, 'before', cursor_at, 'Succeeded' from pipelines`,
  );
  await ledger.query(
    `update windows set reason = 'MarkedByHand', mark = jsonb_build_object('by', 'me', 'at', end_at, 'note', 'n')`,
  );
}

async function fail(): Promise<void> {
  await ledger.pass('schedule', 'admit', 'advance', 'launch');
  ledger.fake.endAll({ reason: 'LoadFailed' });
  await ledger.pass('observe', 'advance');
}

test('a pipeline whose runs fail is quiet, tells its last success and what keeps it, until one succeeds', async () => {
  await fourDaysOld();
  await fail();
  const { quiet, lastSuccess } = await only();
  expect(quiet).toMatchObject({
    why: 'Failing',
    message: expect.stringMatching(/^its last run, a-.*, is Failed \(LoadFailed\)$/),
  });
  expect(Date.now() - Date.parse(quiet?.since ?? '')).toBeGreaterThan(3 * 86_400_000);
  expect(lastSuccess?.window).not.toBeNull();
  expect(Date.now() - Date.parse(lastSuccess?.at ?? '')).toBeGreaterThan(3 * 86_400_000);
  const [{ name }] = (await ledger.query('select name from runs')) as [{ name: string }];
  await ledger.ask('rerun', { run: name });
  await ledger.pass('admit', 'advance', 'launch');
  ledger.fake.endAll('Succeeded');
  await ledger.pass('observe', 'advance');
  expect(await only()).toMatchObject({ quiet: null, lastPhase: 'Succeeded' });
});

test('a pipeline that is suspended, or that waits for a place, is quiet and says so', async () => {
  await fourDaysOld();
  await ledger.query('update pipelines set suspended = true');
  expect((await only()).quiet).toMatchObject({ why: 'Suspended' });
  await ledger.query('update pipelines set suspended = false');
  await ledger.pass('schedule');
  expect((await only()).quiet).toMatchObject({ why: 'Busy', message: '1 queued and none running' });
  await ledger.pass('admit');
  expect((await only()).quiet).toMatchObject({ why: 'Busy', message: 'it is busy: 1 running, 0 queued' });
});

test('a window that was skipped by hand, also before its time, hides no silence before it', async () => {
  await fourDaysOld();
  await ledger.query(
    `insert into windows (pipeline_id, calendar_id, start_at, end_at, label, due_at, phase)
     select id, calendar_id, now() + interval '9 days', now() + interval '10 days', 'later', now(), 'Skipped' from pipelines`,
  );
  expect((await only()).quiet).not.toBeNull();
});

test('a pipeline whose windows are skipped because it is busy is quiet, and one whose condition skips them is not', async () => {
  await fourDaysOld();
  await ledger.query(
    `insert into windows (pipeline_id, calendar_id, start_at, end_at, label, due_at, phase, reason)
     select id, calendar_id, cursor_at + n * interval '1 hour', cursor_at + (n + 1) * interval '1 hour', 'w' || n, now(), 'Skipped', 'Busy'
     from pipelines, generate_series(0, 95) n`,
  );
  await ledger.query(`update pipelines set cursor_at = date_trunc('hour', now())`);
  expect((await only()).quiet).toMatchObject({ why: 'PassedOver' });
  await ledger.query(`update windows set reason = 'ConditionFalse' where reason = 'Busy'`);
  expect((await only()).quiet).toBeNull();
});

test('a pipeline that is new, that has no schedule, or whose runs are all well is not quiet', async () => {
  await ledger.write({
    'new.yaml': manifest('new', 'schedule: { every: month, startAt: 2019-01-01, deadline: 1h, catchUp: all }\n'),
    'plain.yaml': manifest('plain'),
  });
  await ledger.pass('sync', 'schedule');
  await ledger.ask('run', { pipeline: 'plain' });
  await ledger.round();
  ledger.fake.endAll('Succeeded');
  await ledger.pass('observe', 'advance');
  const found = await list();
  expect(found.map(({ name, quiet }) => [name, quiet])).toEqual([
    ['new', null],
    ['plain', null],
  ]);
  expect(found[1]?.lastSuccess).toEqual({ window: null, at: expect.any(String) });
  expect(found[0]?.lastSuccess?.window).toEqual({ start: '2019-01-01T00:00:00.000Z', end: '2019-02-01T00:00:00.000Z' });
});
