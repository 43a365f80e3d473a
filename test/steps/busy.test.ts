import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';
import { blocks } from '../support/pools.ts';
import { makeReport } from '../support/report.ts';

let ledger: TestLedger;
beforeEach(async () => {
  ledger = await createTestLedger();
});
afterEach(() => ledger.close());

const audit = () =>
  ledger.query(`select actor, verb, subject, reason, details from audit where verb in ('skip', 'replace') order by id`);

/** A pipeline whose windows fall due when the test says so: one month more each time. */
async function due(until: string, spec: string, body?: string): Promise<void> {
  const schedule = `schedule: { every: month, startAt: 2019-01-01, endAt: ${until}, catchUp: all }\n`;
  await ledger.write({ 'a.yaml': manifest('a', `${schedule}${spec}`, body) });
  await ledger.round();
}

async function finish(): Promise<void> {
  ledger.fake.endAll('Succeeded');
  await ledger.round();
}

describe('`whenBusy: queue`, the default,', () => {
  test('lets every window wait for its place', async () => {
    await due('2019-04-01', '');
    expect(await ledger.runs()).toEqual(['a-2019-01 Running', 'a-2019-02 Queued', 'a-2019-03 Queued']);
    expect(await audit()).toEqual([]);
  });
});

describe('`whenBusy: skip`', () => {
  const skip = 'whenBusy: skip\n';

  test('skips a window that is due while as many runs as allowed are running, with a reason and in the audit', async () => {
    await due('2019-02-01', skip);
    await due('2019-03-01', skip);
    expect(await ledger.runs()).toEqual(['a-2019-01 Running', 'a-2019-02 Skipped Busy']);
    const [run] = await ledger.query(`select message from runs where reason = 'Busy'`);
    expect(run?.message).toBe(
      '1 of 1 runs of pipeline "a" were running when its turn came, and its `whenBusy` is skip',
    );
    expect(await audit()).toEqual([
      { actor: 'admit', verb: 'skip', subject: 'a-2019-02', reason: 'Busy', details: {} },
    ]);
    expect(await ledger.query(`select phase, reason, live_run_id from windows where label = '2019-02'`)).toEqual([
      { phase: 'Skipped', reason: 'Busy', live_run_id: null },
    ]);
    await finish();
    await due('2019-04-01', skip);
    expect((await ledger.runs())[2]).toBe('a-2019-03 Running');
  });

  test('keeps the first of several that are due at once, and skips none while there are places', async () => {
    await due('2019-05-01', `${skip}maxActiveRuns: 2\n`);
    expect(await ledger.runs()).toEqual([
      'a-2019-01 Running',
      'a-2019-02 Running',
      'a-2019-03 Skipped Busy',
      'a-2019-04 Skipped Busy',
    ]);
  });

  test('does not hold for what a person asks for, which waits', async () => {
    await due('2019-02-01', skip);
    await ledger.ask('run', { pipeline: 'a', window: '2018-12' });
    await ledger.round();
    expect(await ledger.runs()).toEqual(['a-2018-12 Queued', 'a-2019-01 Running']);
  });

  test('leaves a window that can be rerun', async () => {
    await due('2019-03-01', skip);
    await finish();
    await ledger.ask('run', { pipeline: 'a', window: '2019-02' });
    await ledger.round();
    expect((await ledger.runs()).slice(1)).toEqual(['a-2019-02 Skipped Busy', 'a-2019-02-2 Running']);
  });
});

describe('`whenBusy: replace`', () => {
  const replace = 'whenBusy: replace\n';

  test('cancels the oldest run for the newest window, with a reason and in the audit', async () => {
    await due('2019-02-01', replace);
    const [old = ''] = ledger.fake.running();
    await due('2019-03-01', replace);
    await ledger.pass('launch');
    expect(ledger.fake.stopped).toContain(old);
    expect(await ledger.runs()).toEqual(['a-2019-01 Running', 'a-2019-02 Queued']);
    ledger.fake.end(old, 'Cancelled');
    await ledger.round();
    expect(await ledger.runs()).toEqual(['a-2019-01 Cancelled Replaced', 'a-2019-02 Running']);
    expect(await audit()).toEqual([
      { actor: 'admit', verb: 'replace', subject: 'a-2019-01', reason: 'Replaced', details: { by: 'a-2019-02' } },
    ]);
  });

  test('cancels no more than are in the way, and nothing while there are places', async () => {
    await due('2019-03-01', `${replace}maxActiveRuns: 2\n`);
    expect(await ledger.runs()).toEqual(['a-2019-01 Running', 'a-2019-02 Running']);
    await due('2019-04-01', `${replace}maxActiveRuns: 2\n`);
    ledger.fake.end(ledger.fake.running()[0] ?? '', 'Cancelled');
    await ledger.round();
    expect(await ledger.runs()).toEqual(['a-2019-01 Cancelled Replaced', 'a-2019-02 Running', 'a-2019-03 Running']);
  });

  test('keeps the newest of several that are due at once', async () => {
    await due('2019-04-01', replace);
    expect(await ledger.runs()).toEqual([
      'a-2019-01 Cancelled Replaced',
      'a-2019-02 Cancelled Replaced',
      'a-2019-03 Running',
    ]);
  });

  // Argo's `Replace` ends workflows that are about to succeed.
  test('leaves a run alone whose last attempt has reported, although that was not looked at yet', async () => {
    await due('2019-02-01', replace);
    const [id = ''] = ledger.fake.running();
    const at = new Date().toISOString();
    const report = makeReport({ attemptId: id, startedAt: at, finishedAt: at, durationMs: 1 });
    await ledger.query('update attempts set report = $1', [JSON.stringify(report)]);
    await due('2019-03-01', replace);
    expect(await ledger.query(`select cancel_requested_at from runs where name = 'a-2019-01'`)).toEqual([
      { cancel_requested_at: null },
    ]);
    await finish();
    expect(await ledger.runs()).toEqual(['a-2019-01 Succeeded', 'a-2019-02 Running']);
  });

  test('leaves a run alone whose every task has settled, although its end is not written yet', async () => {
    await due('2019-02-01', replace);
    ledger.fake.endAll('Succeeded');
    await ledger.pass('observe');
    await ledger.query(`update tasks set phase = 'Succeeded', finished_at = now()`);
    await due('2019-03-01', replace);
    expect(await ledger.runs()).toEqual(['a-2019-01 Succeeded', 'a-2019-02 Running']);
  });

  test('cancels a run that has reported of one task and has more to do', async () => {
    await due('2019-02-01', replace, blocks(['one'], ['two', 'needs: [one]']));
    ledger.fake.endAll('Succeeded');
    await ledger.pass('observe');
    await ledger.write({});
    await due('2019-03-01', replace, blocks(['one'], ['two', 'needs: [one]']));
    ledger.fake.endAll('Cancelled');
    await ledger.round();
    expect((await ledger.runs())[0]).toBe('a-2019-01 Cancelled Replaced');
  });

  test('never cancels what a person asked for: then the window waits', async () => {
    await due('2019-02-01', replace);
    await finish();
    await ledger.ask('run', { pipeline: 'a', window: '2018-12' });
    await ledger.round();
    await due('2019-03-01', replace);
    expect(await ledger.runs()).toEqual(['a-2018-12 Running', 'a-2019-01 Succeeded', 'a-2019-02 Queued']);
    await finish();
    expect((await ledger.runs())[2]).toBe('a-2019-02 Running');
  });

  test('that is left by a crash before its commit has cancelled nothing, and is done once after it', async () => {
    await due('2019-02-01', replace);
    const schedule = 'schedule: { every: month, startAt: 2019-01-01, endAt: 2019-03-01, catchUp: all }\n';
    await ledger.write({ 'a.yaml': manifest('a', `${schedule}${replace}`) });
    await ledger.pass('sync', 'schedule');
    const crash = (at: string) =>
      ledger.start({
        failpoint: (name) => {
          if (name === at) throw new Error(`killed at ${at}`);
        },
      });
    const signal = new AbortController().signal;
    await expect(crash('admit.before-commit').admit.pass(signal)).rejects.toThrow('killed');
    expect(await audit()).toEqual([]);
    await expect(crash('admit.after-commit').admit.pass(signal)).rejects.toThrow('killed');
    await ledger.pass('admit', 'admit');
    expect(await audit()).toHaveLength(1);
  });
});
