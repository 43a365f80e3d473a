import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRetain } from '../../controller/steps/retain.ts';
import type { PassResult } from '../../controller/steps/step.ts';
import type { Retention } from '../../controller/store/retention.ts';
import { createFolderSweep } from '../../controller/sweep-folders.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';

const day = 86_400_000;
const keep: Retention = { runsMs: 200 * day, runsPerPipeline: 2, logsMs: 100 * day, windowsMs: null };

let ledger: TestLedger;
beforeEach(async () => {
  ledger = await createTestLedger();
  await ledger.write({ 'a.yaml': manifest('a'), 'b.yaml': manifest('b') });
  await ledger.pass('sync');
  for (let month = 1; month <= 24; month += 1) await partitions(month);
});
afterEach(() => ledger.close());

/** As `ensure_partitions` made them in their time. */
async function partitions(monthsAgo: number): Promise<void> {
  await ledger.query(
    `do $$
     declare parent text; month timestamptz := date_trunc('month', now(), 'UTC') - make_interval(months => ${monthsAgo});
     begin
       foreach parent in array array['runs', 'tasks', 'attempts', 'logs', 'log_chunks'] loop
         execute format('create table if not exists %I partition of %I for values from (%s) to (%s)',
           parent || to_char(month at time zone 'UTC', '_YYYY_MM'), parent, time_id(month), time_id(date_trunc('month', month + interval '40 days', 'UTC')));
       end loop;
     end $$`,
  );
}

/** A run in the middle of a month, with a task, an attempt and a log. */
async function run(pipeline: string, monthsAgo: number, phase = 'Succeeded'): Promise<number> {
  const [{ id }] = await ledger.query(
    `insert into runs (id, name, pipeline_id, version_id, run_no, trigger, phase, finished_at)
     select time_id(date_trunc('month', now(), 'UTC') - make_interval(months => $2) + interval '14 days') + nextval('run_sequence'),
       $1 || '-m' || currval('run_sequence'), id, version_id, 1, 'manual', $3, case when $3 = 'Succeeded' then now() end
     from pipelines where name = $1 returning id`,
    [pipeline, monthsAgo, phase],
  );
  const values = [id, phase];
  await ledger.query(
    `insert into tasks (run_id, name, position, blocks, needs, phase) values ($1, 'one', 0, '{one}', '{}', $2)`,
    values,
  );
  await ledger.query(
    `insert into attempts (run_id, task, number, phase, finished_at) values ($1, 'one', 1, $2, case when $2 = 'Succeeded' then now() end)`,
    values,
  );
  await ledger.query(`insert into logs (run_id, task, number) values ($1, 'one', 1)`, [id]);
  await ledger.query(
    `insert into log_chunks (run_id, task, number, start_at, size, source, content) values ($1, 'one', 1, 0, 1, 'p', '')`,
    [id],
  );
  return id;
}

async function retain(
  more: Partial<Retention> = {},
  options: Partial<Parameters<typeof createRetain>[0]> = {},
): Promise<PassResult> {
  const step = createRetain({
    pool: ledger.pool,
    retention: { ...keep, ...more },
    failpoint: () => {},
    log: pino({ level: 'silent' }),
    ...options,
  });
  for (;;) {
    const result = await step.pass(new AbortController().signal);
    if (result.kind !== 'again') return result;
  }
}

/** How many rows of the table there are in a month. Null: its partition is gone. */
async function rowsOf(table: string, monthsAgo: number): Promise<number | null> {
  const [{ name }] = await ledger.query(
    `select to_regclass($1 || to_char((date_trunc('month', now(), 'UTC') - make_interval(months => $2)) at time zone 'UTC', '_YYYY_MM'))::text as name`,
    [table, monthsAgo],
  );
  return name === null ? null : (await ledger.query(`select count(*)::int as rows from ${name}`))[0].rows;
}

describe('runs', () => {
  it('beyond age and count go with their whole month, and with all that is theirs', async () => {
    for (const months of [12, 12, 11, 2, 1]) await run('a', months);
    await retain();
    for (const table of ['runs', 'tasks', 'attempts', 'logs', 'log_chunks'])
      expect([table, await rowsOf(table, 12), await rowsOf(table, 11)]).toEqual([table, null, null]);
    expect(await rowsOf('runs', 2)).toBe(1);
    expect(await ledger.query(`select distinct actor, verb from audit where subject_kind = 'history'`)).toContainEqual({
      actor: 'controller',
      verb: 'drop runs',
    });
  });

  it('that are among the newest of their pipeline stay, and what is beside them in their month is deleted', async () => {
    const kept = await run('b', 12);
    for (const months of [12, 12, 2, 1]) await run('a', months);
    await retain();
    expect(await ledger.query('select id from runs order by id limit 1')).toEqual([{ id: kept }]);
    for (const table of ['runs', 'tasks', 'attempts']) expect(await rowsOf(table, 12)).toBe(1);
  });

  it('that have not ended keep their month', async () => {
    const live = await run('a', 12, 'Running');
    for (const months of [12, 2, 1]) await run('a', months);
    await retain();
    expect(await ledger.query('select id from runs order by id limit 1')).toEqual([{ id: live }]);
    expect(await rowsOf('log_chunks', 12)).toBe(1);
  });

  it('that are younger than the age stay, however many they are', async () => {
    for (let i = 0; i < 5; i += 1) await run('a', 3);
    await retain();
    expect(await rowsOf('runs', 3)).toBe(5);
  });
});

describe('a drop', () => {
  it('gives way to who has the tables in use, and comes again', async () => {
    await run('a', 12);
    await run('a', 1);
    await run('a', 1);
    const reader = new pg.Client({
      connectionString: (ledger.pool.options as { connectionString: string }).connectionString,
    });
    await reader.connect();
    await reader.query('begin');
    await reader.query('select from pipewright.tasks');
    expect(await retain()).toEqual({ kind: 'done', afterMs: 60_000 });
    expect(await rowsOf('runs', 12)).toBe(1);
    await reader.query('rollback');
    await reader.end();
    expect(await retain()).toEqual({ kind: 'done' });
    expect(await rowsOf('runs', 12)).toBeNull();
  });

  it.each(['retain.before-commit', 'retain.before-drop', 'retain.after-drop'])(
    'that was killed at %s is done by the next pass',
    async (name) => {
      for (const months of [12, 11, 1, 1]) await run('a', months);
      let crashed = false;
      const failpoint = (at: string) => {
        if (at !== name || crashed) return;
        crashed = true;
        throw new Error('killed');
      };
      await expect(retain({}, { failpoint })).rejects.toThrow('killed');
      await retain();
      for (const table of ['runs', 'tasks', 'attempts', 'logs', 'log_chunks'])
        expect([table, await rowsOf(table, 12), await rowsOf(table, 11)]).toEqual([table, null, null]);
      expect(await rowsOf('runs', 1)).toBe(2);
    },
  );
});

describe('logs', () => {
  it('go by their own age, month by month, and their runs stay', async () => {
    for (const months of [6, 1]) await run('a', months);
    await retain();
    expect([await rowsOf('runs', 6), await rowsOf('log_chunks', 6), await rowsOf('logs', 6)]).toEqual([1, null, null]);
    expect(await rowsOf('log_chunks', 1)).toBe(1);
  });
});

describe('folders of a machine', () => {
  it('go by the age of logs; those of a run that goes on, and what is no run’s, stay', async () => {
    const home = await mkdtemp(join(tmpdir(), 'pipewright-home-'));
    const [old, live, young] = [await run('a', 6), await run('a', 6, 'Running'), await run('a', 0)];
    for (const id of [old, live, young]) {
      await mkdir(join(home, 'attempts', `${id}.one.1`), { recursive: true });
      await mkdir(join(home, 'artifacts', String(id)), { recursive: true });
    }
    await mkdir(join(home, 'attempts', 'notes'));
    await retain({}, { sweep: createFolderSweep({ home, pool: ledger.pool }) });
    expect((await readdir(join(home, 'attempts'))).sort()).toEqual([`${live}.one.1`, `${young}.one.1`, 'notes'].sort());
    expect((await readdir(join(home, 'artifacts'))).sort()).toEqual([String(live), String(young)].sort());
    await rm(home, { recursive: true });
  });
});

describe('windows', () => {
  const yearly =
    'schedule: { every: month, startAt: 2019-01-01, endAt: 2020-01-01, catchUp: all }\nmaxActiveRuns: 20\n';

  /** Twelve windows of 2019, whose runs are no longer kept but for that of `but`. */
  async function pastYear(but: string | null = null): Promise<void> {
    await ledger.write({ 'c.yaml': manifest('c', yearly) });
    await ledger.round();
    ledger.fake.endAll('Succeeded');
    await ledger.round();
    await ledger.query('delete from runs where window_label is distinct from $1', [but]);
  }
  const labels = async () =>
    (await ledger.query('select label from windows order by start_at')).map((row) => row.label);

  it('stay for ever unless told otherwise', async () => {
    await pastYear();
    await retain();
    expect(await labels()).toHaveLength(12);
  });

  it('go below a floor, which is never above one whose run is kept', async () => {
    await pastYear('2019-04');
    await retain({ windowsMs: 200 * day });
    expect((await labels())[0]).toBe('2019-04');
    const floor = new Date('2019-04-01T00:00:00Z');
    expect(await ledger.query(`select floor_at from pipelines where name = 'c'`)).toEqual([{ floor_at: floor }]);
    const ranges = `select start_at, end_at, windows from skipped_ranges where reason = 'NotKept'`;
    expect(await ledger.query(ranges)).toEqual([
      { start_at: new Date('2019-01-01T00:00:00Z'), end_at: floor, windows: 3 },
    ]);
    await ledger.query('delete from runs');
    await retain({ windowsMs: 200 * day });
    await retain({ windowsMs: 200 * day });
    expect(await ledger.query(ranges)).toMatchObject([{ end_at: new Date('2020-01-01T00:00:00Z'), windows: 12 }]);
  });

  it('below it are cut again neither by the schedule nor by a backfill of what is missing', async () => {
    await pastYear();
    await retain({ windowsMs: 200 * day });
    expect(await labels()).toEqual([]);
    await ledger.write({
      'c.yaml': manifest('c', yearly.replace('2019-01-01', '2018-01-01').replace('month', 'quarter')),
    });
    await ledger.round();
    expect(await ledger.runs()).toEqual([]);
    for (const rerun of ['missing', 'failed', 'stale'])
      expect(await ledger.ask('backfill', { pipeline: 'c', from: '2019-01', to: '2019-07', rerun })).toMatchObject({
        code: 'no-window',
      });
  });

  it('below it run when they are asked for, numbered on, since their target knows the numbers before', async () => {
    await pastYear();
    await ledger.query('update windows set last_run_no = 4');
    await retain({ windowsMs: 200 * day });
    expect(await ledger.ask('run', { pipeline: 'c', window: '2019-03' })).toEqual({ run: 'c-2019-03-5' });
    expect(await ledger.ask('backfill', { pipeline: 'c', from: '2019-05', to: '2019-06', rerun: 'all' })).toMatchObject(
      { windows: 1 },
    );
    await ledger.round();
    expect(await ledger.runs()).toEqual(['c-2019-03-5 Running', 'c-2019-05-5 Running']);
  });
});
