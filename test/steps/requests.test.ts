import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';

let ledger: TestLedger;
beforeEach(async () => {
  ledger = await createTestLedger();
});
afterEach(() => ledger.close());

const oneMonth = 'schedule: { every: month, startAt: 2019-01-01, endAt: 2019-02-01, catchUp: all }\n';

async function finish(): Promise<void> {
  await ledger.round();
  ledger.fake.endAll('Succeeded');
  await ledger.round();
}

describe('run', () => {
  it('makes the next run of the latest closed window', async () => {
    await ledger.write({ 'a.yaml': manifest('a', oneMonth) });
    await finish();
    expect(await ledger.ask('run', { pipeline: 'a' })).toEqual({ run: 'a-2019-01-2' });
    await finish();
    expect(await ledger.runs()).toEqual(['a-2019-01 Succeeded', 'a-2019-01-2 Succeeded']);
    expect(await ledger.query('select phase, last_run_no, live_run_id from windows')).toEqual([
      { phase: 'Succeeded', last_run_no: 2, live_run_id: null },
    ]);
  });

  it('runs a window before startAt, which the schedule never cuts', async () => {
    await ledger.write({ 'a.yaml': manifest('a', oneMonth) });
    await ledger.round();
    expect(await ledger.ask('run', { pipeline: 'a', window: '2018-11' })).toEqual({ run: 'a-2018-11' });
  });

  it('that came before the schedule cut the window leaves it one run', async () => {
    await ledger.write({ 'a.yaml': manifest('a', oneMonth) });
    await ledger.pass('sync');
    expect(await ledger.ask('run', { pipeline: 'a', window: '2019-01' })).toEqual({ run: 'a-2019-01' });
    await ledger.round();
    expect(await ledger.runs()).toEqual(['a-2019-01 Running']);
  });

  it('is refused while the window has a live run', async () => {
    await ledger.write({ 'a.yaml': manifest('a', oneMonth) });
    await ledger.round();
    expect(await ledger.ask('run', { pipeline: 'a', window: '2019-01' })).toEqual({
      code: 'live',
      error: 'window 2019-01 of pipeline "a" has a live run, "a-2019-01"; wait for it or cancel it first',
    });
  });

  it('of a pipeline without schedule makes numbered runs side by side', async () => {
    await ledger.write({ 'a.yaml': manifest('a', 'maxActiveRuns: 5\n') });
    await ledger.pass('sync');
    expect(await ledger.ask('run', { pipeline: 'a' })).toEqual({ run: 'a-m1' });
    expect(await ledger.ask('run', { pipeline: 'a' })).toEqual({ run: 'a-m2' });
    await ledger.round();
    expect(ledger.fake.running()).toHaveLength(2);
  });

  it('takes variables of the declared types and refuses others', async () => {
    await ledger.write({ 'a.yaml': manifest('a', 'variables: { limit: { type: integer, default: 3 } }\n') });
    await ledger.pass('sync');
    expect(await ledger.ask('run', { pipeline: 'a', variables: { limit: '7' } })).toEqual({ run: 'a-m1' });
    await ledger.round();
    expect(ledger.fake.order(ledger.fake.running()[0] as string)?.variables).toEqual({ limit: 7 });
    expect(await ledger.ask('run', { pipeline: 'a', variables: { limit: 'x' } })).toMatchObject({
      code: 'bad-variable',
    });
    expect(await ledger.ask('run', { pipeline: 'a', variables: { limits: 1 } })).toEqual({
      code: 'bad-variable',
      error: 'pipeline "a": there is no variable "limits"; did you mean "limit"?',
    });
  });

  it('names the pipeline that was probably meant', async () => {
    await ledger.write({ 'a.yaml': manifest('taxi-trips') });
    await ledger.pass('sync');
    expect(await ledger.ask('run', { pipeline: 'taxi-trip' })).toEqual({
      code: 'unknown-pipeline',
      error: 'there is no pipeline "taxi-trip"; did you mean "taxi-trips"?',
    });
  });
});

describe('rerun', () => {
  it('makes the next run of the same window on the version of today', async () => {
    await ledger.write({ 'a.yaml': manifest('a', oneMonth) });
    await finish();
    await ledger.write({ 'a.yaml': manifest('a', oneMonth).replace('n: 1', 'n: 2') });
    await ledger.pass('sync');
    expect(await ledger.ask('rerun', { run: 'a-2019-01' })).toEqual({ run: 'a-2019-01-2', taken: [], again: [] });
    await finish();
    const versions = await ledger.query('select version_id, trigger, phase from runs order by run_no');
    expect(versions[0].version_id).not.toBe(versions[1].version_id);
    expect(versions[1]).toMatchObject({ trigger: 'rerun', phase: 'Succeeded' });
  });

  it('is refused while the run is live', async () => {
    await ledger.write({ 'a.yaml': manifest('a', oneMonth) });
    await ledger.round();
    expect(await ledger.ask('rerun', { run: 'a-2019-01' })).toMatchObject({ code: 'live' });
  });
});

describe('cancel', () => {
  it('ends a queued run at once and frees its window', async () => {
    await ledger.write({ 'a.yaml': manifest('a', oneMonth) });
    await ledger.pass('sync', 'schedule');
    expect(await ledger.ask('cancel', { run: 'a-2019-01' })).toEqual({ run: 'a-2019-01' });
    await ledger.pass('admit', 'advance');
    expect(await ledger.runs()).toEqual(['a-2019-01 Cancelled CancelledByRequest']);
    expect(await ledger.query('select phase, live_run_id from windows')).toEqual([
      { phase: 'Cancelled', live_run_id: null },
    ]);
  });

  it('stops the live attempts of a running one, and is told once they have ended', async () => {
    await ledger.write({ 'a.yaml': manifest('a', `${oneMonth}retry: { limit: 5 }\n`) });
    await ledger.round();
    const [id] = ledger.fake.running() as [string];
    await ledger.ask('cancel', { run: 'a-2019-01' });
    await ledger.pass('advance', 'launch', 'observe', 'advance');
    expect(ledger.fake.stopped).toContain(id);
    expect(await ledger.runs()).toEqual(['a-2019-01 Running']);
    ledger.fake.end(id, 'gone');
    await ledger.pass('observe', 'advance', 'launch');
    expect(await ledger.runs()).toEqual(['a-2019-01 Cancelled CancelledByRequest']);
    expect(ledger.fake.launches).toHaveLength(1);
  });

  it('is refused for a run that has ended', async () => {
    await ledger.write({ 'a.yaml': manifest('a', oneMonth) });
    await finish();
    expect(await ledger.ask('cancel', { run: 'a-2019-01' })).toMatchObject({ code: 'settled' });
    expect(await ledger.ask('cancel', { run: 'b-2019-01' })).toMatchObject({ code: 'unknown-run' });
  });
});

it('writes who asked for what beside every answer', async () => {
  await ledger.write({ 'a.yaml': manifest('a') });
  await ledger.pass('sync');
  await ledger.ask('run', { pipeline: 'a' });
  expect(await ledger.query(`select actor, verb, subject_kind, subject from audit order by id`)).toEqual([
    { actor: 'sync', verb: 'version', subject_kind: 'pipeline', subject: 'a' },
    { actor: 'test', verb: 'run', subject_kind: 'run', subject: 'a-m1' },
  ]);
});
