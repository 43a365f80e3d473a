import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';

let ledger: TestLedger;
beforeEach(async () => {
  ledger = await createTestLedger();
});
afterEach(() => ledger.close());

const threeMonths = 'schedule: { every: month, startAt: 2019-01-01, endAt: 2019-04-01, catchUp: all }\n';

describe('catch-up', () => {
  it('makes one run per closed window and none beyond endAt, however often it looks', async () => {
    await ledger.write({ 'a.yaml': manifest('a', `${threeMonths}maxActiveRuns: 10\n`) });
    for (let round = 0; round < 3; round += 1) await ledger.round();
    expect(await ledger.runs()).toEqual(['a-2019-01 Running', 'a-2019-02 Running', 'a-2019-03 Running']);
    expect(ledger.fake.endAll('Succeeded')).toBe(3);
    for (let round = 0; round < 3; round += 1) await ledger.round();
    expect(await ledger.runs()).toEqual(['a-2019-01 Succeeded', 'a-2019-02 Succeeded', 'a-2019-03 Succeeded']);
    const [cursor] = await ledger.query('select cursor_at, next_due_at from pipelines');
    expect(cursor).toEqual({ cursor_at: new Date('2019-04-01T00:00:00Z'), next_due_at: null });
  });

  it('never runs more at once than maxActiveRuns, oldest window first', async () => {
    await ledger.write({ 'a.yaml': manifest('a', threeMonths) });
    const seen: string[] = [];
    for (let round = 0; round < 6; round += 1) {
      await ledger.round();
      const running = ledger.fake.running();
      expect(running.length).toBeLessThanOrEqual(1);
      for (const id of running) seen.push(ledger.fake.order(id)?.window?.label ?? '');
      ledger.fake.endAll('Succeeded');
    }
    expect(seen).toEqual(['2019-01', '2019-02', '2019-03']);
  });

  it('writes one range for the windows that `latest` passes over', async () => {
    const spec = 'schedule: { every: month, startAt: 2019-01-01, endAt: 2020-01-01, catchUp: latest }\n';
    await ledger.write({ 'a.yaml': manifest('a', spec) });
    await ledger.round();
    expect(await ledger.runs()).toEqual(['a-2019-12 Running']);
    const skipped = await ledger.query('select start_at, end_at, windows, reason from skipped_ranges');
    expect(skipped).toEqual([
      {
        start_at: new Date('2019-01-01T00:00:00Z'),
        end_at: new Date('2019-12-01T00:00:00Z'),
        windows: 11,
        reason: 'CatchUpLatest',
      },
    ]);
  });
});

describe('an attempt', () => {
  const retried = `${threeMonths.replace('2019-04-01', '2019-02-01')}retry: { limit: 1, initial: 1ms }\n`;

  async function finish(ending: Parameters<TestLedger['fake']['endAll']>[0]): Promise<void> {
    ledger.fake.endAll(ending);
    await ledger.pass('observe', 'advance');
    await expect.poll(async () => (await ledger.query(`select from tasks where not_before > now()`)).length).toBe(0);
    await ledger.pass('launch');
  }

  it('is tried again by policy, and the run succeeds', async () => {
    await ledger.write({ 'a.yaml': manifest('a', retried) });
    await ledger.round();
    await finish({ reason: 'LoadFailed', message: 'no answer' });
    expect(ledger.fake.launches.map((id) => id.split('.').slice(1).join('.'))).toEqual(['one.1', 'one.2']);
    await finish('Succeeded');
    expect(await ledger.runs()).toEqual(['a-2019-01 Succeeded']);
  });

  it('fails the run with its reason and message when the policy is used up', async () => {
    await ledger.write({ 'a.yaml': manifest('a', retried) });
    await ledger.round();
    await finish({ reason: 'LoadFailed' });
    await finish({ reason: 'LoadFailed', message: 'no answer' });
    expect(await ledger.query('select phase, reason, message from runs')).toEqual([
      { phase: 'Failed', reason: 'LoadFailed', message: 'task "one": no answer' },
    ]);
    expect(await ledger.query('select phase, reason, live_run_id from windows')).toEqual([
      { phase: 'Failed', reason: 'LoadFailed', live_run_id: null },
    ]);
  });

  it.each(['gone', 'silent'] as const)(
    'that is %s is fenced, settled as Lost and tried again apart from the policy',
    async (state) => {
      await ledger.write({ 'a.yaml': manifest('a', retried.replace('limit: 1', 'limit: 0')) });
      await ledger.round();
      const [first] = ledger.fake.running();
      await finish(state);
      expect(ledger.fake.fenced).toEqual([first]);
      expect(ledger.fake.launches).toHaveLength(2);
      expect(await ledger.query('select phase, reason from attempts order by number')).toEqual([
        { phase: 'Lost', reason: 'Lost' },
        { phase: 'Running', reason: null },
      ]);
    },
  );

  it.each([
    ['NodeLost', 'Lost', 2],
    ['OutOfMemory', 'Failed', 1],
  ] as const)(
    'that is gone because of %s is settled as such, and retried as that reason says',
    async (reason, phase, launches) => {
      await ledger.write({ 'a.yaml': manifest('a', retried.replace('limit: 1', 'limit: 0')) });
      await ledger.round();
      await finish({ gone: reason });
      expect(ledger.fake.launches).toHaveLength(launches);
      const [first] = await ledger.query('select phase, reason, message from attempts order by number');
      expect(first).toEqual({ phase, reason, message: 'it is no more' });
    },
  );

  it('whose runner was told to end by somebody else, as when its node is drained, is fenced and tried again', async () => {
    await ledger.write({ 'a.yaml': manifest('a', threeMonths.replace('2019-04-01', '2019-02-01')) });
    await ledger.round();
    const [first = ''] = ledger.fake.running();
    ledger.fake.end(first, 'Cancelled');
    await ledger.round();
    expect(ledger.fake.fenced).toEqual([first]);
    const [attempt] = await ledger.query('select phase, reason from attempts order by number limit 1');
    expect(attempt).toEqual({ phase: 'Lost', reason: 'Lost' });
    await finish('Succeeded');
    expect(await ledger.runs()).toEqual(['a-2019-01 Succeeded']);
  });

  it('that cannot be fenced yet stays as it is, and holds up no other', async () => {
    await ledger.write({ 'a.yaml': manifest('a', `${threeMonths}maxActiveRuns: 2\n`) });
    await ledger.round();
    const [stuck = '', other = ''] = ledger.fake.running();
    ledger.fake.failFence(stuck, new Error('its pod has not ended'));
    ledger.fake.end(stuck, 'gone');
    ledger.fake.end(other, 'Succeeded');
    await ledger.pass('observe');
    const phases = await ledger.query('select phase from attempts order by run_id');
    expect(phases).toEqual([{ phase: 'Running' }, { phase: 'Succeeded' }]);
    ledger.fake.failFence(stuck, null);
    await ledger.pass('observe');
    expect(await ledger.query('select phase from attempts order by run_id limit 1')).toEqual([{ phase: 'Lost' }]);
  });

  it('whose pod ends slowly holds up no other, and is settled when it has ended', async () => {
    await ledger.write({ 'a.yaml': manifest('a', `${threeMonths}maxActiveRuns: 2\n`) });
    await ledger.round();
    const [slow = '', other = ''] = ledger.fake.running();
    const ending = Promise.withResolvers<void>();
    ledger.fake.failFence(slow, ending.promise);
    ledger.fake.end(slow, 'gone');
    ledger.fake.end(other, 'Succeeded');
    const passed = ledger.pass('observe');
    const phases = () => ledger.query('select phase from attempts order by run_id limit 2');
    await expect.poll(phases).toEqual([{ phase: 'Running' }, { phase: 'Succeeded' }]);
    ending.resolve();
    await passed;
    expect(await phases()).toEqual([{ phase: 'Lost' }, { phase: 'Succeeded' }]);
    expect(ledger.fake.fenced).toEqual([slow]);
  });

  it('that can not be launched is fenced and settled as Lost with the reason', async () => {
    await ledger.write({ 'a.yaml': manifest('a', retried) });
    ledger.fake.failLaunches(new Error('no space left on device'));
    await ledger.round();
    const [attempt] = await ledger.query('select phase, message from attempts order by number limit 1');
    expect(attempt).toEqual({ phase: 'Lost', message: 'it could not be launched: no space left on device' });
  });

  it('that can be neither launched nor fenced is launched again when its claim runs out', async () => {
    await ledger.write({ 'a.yaml': manifest('a', threeMonths.replace('2019-04-01', '2019-02-01')) });
    await ledger.pass('sync', 'schedule', 'admit', 'advance');
    const [run] = await ledger.query('select id from runs');
    ledger.fake.failLaunches(new Error('the API server could not be asked'));
    ledger.fake.failFence(`${run.id}.one.1`, new Error('the API server could not be asked'));
    await expect(ledger.pass('launch')).rejects.toThrow('could not be asked');
    expect(await ledger.query('select phase from attempts')).toEqual([{ phase: 'Claimed' }]);
    ledger.fake.failLaunches(null);
    await ledger.query(`update attempts set claimed_until = now() - interval '1 second'`);
    await ledger.pass('launch');
    expect(await ledger.query('select phase, number from attempts')).toEqual([{ phase: 'Running', number: 1 }]);
  });

  it('whose claim expired is launched again under the same id', async () => {
    await ledger.write({ 'a.yaml': manifest('a', retried) });
    await ledger.round();
    await ledger.query(`update attempts set phase = 'Claimed', claimed_until = now() - interval '1 second'`);
    await ledger.pass('launch');
    expect(ledger.fake.launches).toHaveLength(2);
    expect(new Set(ledger.fake.launches).size).toBe(1);
    expect(await ledger.query('select phase from attempts')).toEqual([{ phase: 'Running' }]);
  });
});

describe('slots', () => {
  it('never launches more attempts than the executor holds', async () => {
    await ledger.close();
    ledger = await createTestLedger({ capacity: 2 });
    await ledger.write({ 'a.yaml': manifest('a', `${threeMonths}maxActiveRuns: 10\n`) });
    await ledger.round();
    await ledger.pass('launch');
    expect(ledger.fake.running()).toHaveLength(2);
    ledger.fake.end(ledger.fake.running()[0] as string, 'Succeeded');
    await ledger.round();
    expect(ledger.fake.launches).toHaveLength(3);
    expect(ledger.fake.running()).toHaveLength(2);
  });
});

describe('timeouts', () => {
  it('stops an attempt that has overrun its timeout and settles it as TimedOut', async () => {
    const blocks = '    - name: one\n      timeout: 1s\n      load: { inline: { rows: [{ n: 1 }] } }\n';
    await ledger.write({ 'a.yaml': manifest('a', threeMonths.replace('2019-04-01', '2019-02-01'), blocks) });
    await ledger.round();
    const [id] = ledger.fake.running() as [string];
    expect(ledger.fake.order(id)?.timeoutMs).toBe(1000);
    await ledger.query(`update attempts set launched_at = now() - interval '1 minute'`);
    await ledger.pass('launch');
    expect(ledger.fake.stopped).toEqual([id]);
    ledger.fake.end(id, 'gone');
    await ledger.pass('observe', 'advance');
    expect(await ledger.runs()).toEqual(['a-2019-01 Failed TimedOut']);
  });

  it('ends a run whose deadline has passed, and looks at it once', async () => {
    await ledger.write({ 'a.yaml': manifest('a', `${threeMonths.replace('2019-04-01', '2019-02-01')}timeout: 1h\n`) });
    await ledger.round();
    const [id] = ledger.fake.running() as [string];
    await ledger.query(`update runs set deadline_at = now() - interval '1 second'`);
    await ledger.pass('advance', 'launch');
    expect(ledger.fake.stopped).toEqual([id]);
    expect(await ledger.query(`select phase, reason, news from runs`)).toEqual([
      { phase: 'Running', reason: 'TimedOut', news: false },
    ]);
    ledger.fake.end(id, 'gone');
    await ledger.pass('observe', 'advance');
    expect(await ledger.runs()).toEqual(['a-2019-01 Failed TimedOut']);
  });
});
