import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createIntake } from '../../controller/steps/intake.ts';
import { readRun } from '../../controller/store/reads-run.ts';
import { createRequests, type RequestResult } from '../../controller/store/requests.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';

let ledger: TestLedger;
/** Rows that are no longer there, as `RUN ID/BLOCK`. */
const gone = new Set<string>();
beforeEach(async () => {
  gone.clear();
  ledger = await createTestLedger();
});
afterEach(() => ledger.close());

const month = 'schedule: { every: month, startAt: 2019-01-01, endAt: 2019-02-01, catchUp: all }\n';
const blocks = (sql = 'select n from one', last = '') => `    - name: one
      load: { inline: { rows: [{ n: 1 }] } }
    - name: two
      from: [one]
      retry: { limit: 0 }
      transform: { sql: "${sql}" }
    - name: three
      from: [two]
      timeout: 1h
      transform: { sql: "select n from two${last}" }
`;

/** The first run of January: `one` and `two` succeed, `three` fails. Returns its id. */
async function failAtTheEnd(spec = ''): Promise<number> {
  await ledger.write({ 'a.yaml': manifest('a', month + spec, blocks()) });
  await ledger.round();
  await endTask('one', 'Succeeded');
  await endTask('two', 'Succeeded');
  await endTask('three', { reason: 'TransformFailed' });
  const [run] = await ledger.query('select id, phase from runs');
  expect(run.phase).toBe('Failed');
  return run.id;
}

async function endTask(task: string, ending: Parameters<TestLedger['fake']['end']>[1]): Promise<void> {
  const id = ledger.fake.running().find((each) => each.split('.')[1] === task);
  ledger.fake.end(id ?? `no attempt of ${task}`, ending);
  await ledger.pass('observe', 'advance', 'launch');
}

/** As `intake` answers on a machine where some rows are gone. */
async function rerun(body: Record<string, unknown>): Promise<RequestResult> {
  const { pool } = ledger;
  const intake = createIntake({
    pool,
    wake: () => {},
    failpoint: () => {},
    log: pino({ level: 'silent' }),
    hasArtifact: async (runId, block) => !gone.has(`${runId}/${block}`),
  });
  const requests = createRequests({ pool });
  const id = await requests.submit({ kind: 'rerun', body, actor: 'test' });
  await intake.pass(new AbortController().signal);
  return (await requests.result(id)) as RequestResult;
}

const runningTasks = () => ledger.fake.running().map((id) => id.split('.')[1]);

describe('a rerun from what failed', () => {
  it('takes over what succeeded, runs the rest on the rows of the run before, and its window succeeds', async () => {
    const first = await failAtTheEnd();
    expect(await rerun({ run: 'a-2019-01', from: 'failed' })).toEqual({
      run: 'a-2019-01-2',
      taken: ['one', 'two'],
      again: [],
    });
    await ledger.round();
    expect(runningTasks()).toEqual(['three']);
    expect(ledger.fake.order(ledger.fake.running()[0] as string)?.taken).toEqual({ one: first, two: first });
    await endTask('three', 'Succeeded');
    expect(await ledger.runs()).toEqual(['a-2019-01 Failed TransformFailed', 'a-2019-01-2 Succeeded']);
    expect(await ledger.query('select phase, last_run_no from windows')).toEqual([
      { phase: 'Succeeded', last_run_no: 2 },
    ]);
    const shown = await readRun(ledger.pool, 'a-2019-01-2');
    expect(
      shown?.tasks.map(({ name, phase, takenFrom, attempts }) => [name, phase, takenFrom, attempts.length]),
    ).toEqual([
      ['one', 'Succeeded', 'a-2019-01', 1],
      ['two', 'Succeeded', 'a-2019-01', 1],
      ['three', 'Succeeded', null, 1],
    ]);
    const [{ details }] = await ledger.query(`select details from audit where verb = 'rerun'`);
    expect(details).toMatchObject({ from: 'failed', taken: ['one', 'two'] });
  });

  it('of a rerun reads the rows where they were made', async () => {
    const first = await failAtTheEnd();
    await rerun({ run: 'a-2019-01', from: 'failed' });
    await ledger.round();
    await endTask('three', { reason: 'TransformFailed' });
    expect(await rerun({ run: 'a-2019-01-2', from: 'failed' })).toMatchObject({ taken: ['one', 'two'] });
    await ledger.round();
    expect(ledger.fake.order(ledger.fake.running()[0] as string)?.taken).toEqual({ one: first, two: first });
  });

  it('runs a task again whose rows are gone, and says so', async () => {
    const first = await failAtTheEnd();
    gone.add(`${first}/two`);
    expect(await rerun({ run: 'a-2019-01', from: 'failed' })).toEqual({
      run: 'a-2019-01-2',
      taken: ['one'],
      again: [{ task: 'two', why: 'the rows of its block "two" are no longer kept' }],
    });
    await ledger.round();
    expect(runningTasks()).toEqual(['two']);
  });

  it('runs on today’s version, and there again what has changed since', async () => {
    await failAtTheEnd();
    await ledger.write({ 'a.yaml': manifest('a', month, blocks('select n + 1 as n from one')) });
    await ledger.pass('sync');
    expect(await rerun({ run: 'a-2019-01', from: 'failed' })).toMatchObject({
      taken: ['one'],
      again: [{ task: 'two', why: 'its manifest has changed' }],
    });
  });

  it('keeps the version that it was planned with, whatever comes before it is admitted', async () => {
    await failAtTheEnd();
    await ledger.write({ 'a.yaml': manifest('a', month, blocks('select n from one', ' -- mended')) });
    await ledger.pass('sync');
    expect(await rerun({ run: 'a-2019-01', from: 'failed' })).toMatchObject({ taken: ['one', 'two'] });
    const [planned] = await ledger.query(`select version_id from pipelines`);
    await ledger.write({ 'a.yaml': manifest('a', month, blocks('select 5 as n from one')) });
    await ledger.round();
    expect(await ledger.query('select version_id, phase from runs where run_no = 2')).toEqual([
      { ...planned, phase: 'Running' },
    ]);
  });

  it('runs on the original version when asked to, with all that it had', async () => {
    await failAtTheEnd();
    const [original] = await ledger.query('select version_id from runs');
    await ledger.write({ 'a.yaml': manifest('a', month, blocks('select n + 1 as n from one')) });
    await ledger.pass('sync');
    expect(await rerun({ run: 'a-2019-01', from: 'failed', version: 'original' })).toMatchObject({
      taken: ['one', 'two'],
      again: [],
    });
    await ledger.round();
    expect(await ledger.query('select version_id from runs where run_no = 2')).toEqual([original]);
  });

  it('is refused when nothing failed', async () => {
    await failAtTheEnd();
    await rerun({ run: 'a-2019-01', from: 'failed' });
    await ledger.round();
    await endTask('three', 'Succeeded');
    expect(await rerun({ run: 'a-2019-01-2', from: 'failed' })).toMatchObject({ code: 'nothing-failed' });
  });

  it('leaves no slot taken when it is cancelled while it waits', async () => {
    await failAtTheEnd();
    await rerun({ run: 'a-2019-01', from: 'failed' });
    await ledger.ask('cancel', { run: 'a-2019-01-2' });
    await ledger.round();
    expect(await ledger.runs()).toEqual([
      'a-2019-01 Failed TransformFailed',
      'a-2019-01-2 Cancelled CancelledByRequest',
    ]);
    expect(await ledger.query('select live_run_id from windows')).toEqual([{ live_run_id: null }]);
  });
});

describe('a rerun from a task', () => {
  it('runs that task and what is downstream of it', async () => {
    await failAtTheEnd();
    expect(await rerun({ run: 'a-2019-01', from: 'two' })).toMatchObject({ taken: ['one'], again: [] });
    await ledger.round();
    expect(runningTasks()).toEqual(['two']);
  });

  it('that the version does not have is refused with the nearest name', async () => {
    await failAtTheEnd();
    expect(await rerun({ run: 'a-2019-01', from: 'tree' })).toEqual({
      code: 'unknown-task',
      error: 'run "a-2019-01" has no task "tree" to run from; did you mean "three"?',
    });
  });
});

describe('a rerun of a run without window', () => {
  it('takes over as well, and both are told apart by their numbers', async () => {
    await ledger.write({ 'a.yaml': manifest('a', '', blocks()) });
    await ledger.pass('sync');
    await ledger.ask('run', { pipeline: 'a' });
    await ledger.round();
    await endTask('one', { reason: 'LoadFailed' });
    expect(await rerun({ run: 'a-m1', from: 'failed' })).toEqual({ run: 'a-m2', taken: [], again: [] });
    expect(
      await ledger.query(
        `select rerun_of = (select id from runs where name = 'a-m1') as linked from runs where name = 'a-m2'`,
      ),
    ).toEqual([{ linked: true }]);
  });
});
