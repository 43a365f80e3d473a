import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createReads, type Reads } from '../../controller/store/reads.ts';
import { PageError } from '../../controller/store/reads-page.ts';
import { createHistory, type History } from '../support/history.ts';

let history: History;
let reads: Reads;

beforeAll(async () => {
  history = await createHistory();
  reads = createReads({ pool: history.pool });
});
afterAll(() => history.close());

function month(number: number, year = 2019) {
  const label = `${year}-${String(number).padStart(2, '0')}`;
  const after = number === 12 ? `${year + 1}-01` : `${year}-${String(number + 1).padStart(2, '0')}`;
  return { start: `${label}-01T00:00:00.000Z`, end: `${after}-01T00:00:00.000Z`, label };
}

describe('the list of runs', () => {
  test('is newest first, and its pages meet without a gap or a double', async () => {
    const pipeline = await history.pipeline('paged');
    for (let number = 1; number <= 7; number++) await history.run(pipeline, { window: month(number) });
    const seen: string[] = [];
    let before: string | undefined;
    for (let pages = 0; pages < 3; pages++) {
      const page = await reads.runs({ limit: 3, before, pipeline: 'paged' });
      seen.push(...page!.runs.map((run) => run.name));
      if (page!.next === null) break;
      before = page!.next;
    }
    expect(seen).toEqual([7, 6, 5, 4, 3, 2, 1].map((number) => `paged-2019-0${number}`));
  });

  test('has no next page when the last one is exactly full', async () => {
    const page = await reads.runs({ limit: 7, pipeline: 'paged' });
    expect(page).toMatchObject({ next: null });
    expect(page!.runs).toHaveLength(7);
  });

  test('can be narrowed to a phase', async () => {
    const pipeline = await history.pipeline('phases');
    await history.run(pipeline, { window: month(1), phase: 'Failed', reason: 'CheckFailed' });
    await history.run(pipeline, { window: month(2), phase: 'Queued' });
    const failed = await reads.runs({ limit: 10, pipeline: 'phases', phase: 'Failed' });
    expect(failed!.runs.map((run) => [run.name, run.reason])).toEqual([['phases-2019-01', 'CheckFailed']]);
    const queued = await reads.runs({ limit: 10, phase: 'Queued' });
    expect(queued!.runs).toMatchObject([{ name: 'phases-2019-02', finishedAt: null }]);
  });

  test('says that there is no such pipeline', async () => {
    expect(await reads.runs({ limit: 10, pipeline: 'nowhere' })).toBeNull();
  });

  test('refuses a `before` that no page gave', async () => {
    await expect(reads.runs({ limit: 10, before: 'x; drop' })).rejects.toThrow(PageError);
  });

  test('is read by key: the plan of its statement has no sort and no scan of a whole table', async () => {
    await history.pool.query(
      `insert into runs (name, pipeline_id, version_id, run_no, trigger, phase, finished_at)
       select 'bulk-' || n, 1, 1, 1, 'manual', 'Succeeded', now() from generate_series(1, 20000) n`,
    );
    await history.pool.query('analyze runs');
    const asked: [string, unknown[]][] = [];
    const query = (sql: string, values: unknown[]) => {
      asked.push([sql, values]);
      return history.pool.query(sql, values);
    };
    const watched = createReads({ pool: { query } as unknown as History['pool'] });
    await watched.runs({ limit: 100, before: '9007199254740991' });
    const [sql, values] = asked.at(-1)!;
    const { rows } = await history.pool.query(`explain ${sql}`, values);
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toMatch(/Index Scan Backward using runs_/);
    expect(plan).not.toMatch(/Sort|Seq Scan on runs_\d+_\d+ r_\d+ .*rows=\d{4}/);
  });
});

describe('a run', () => {
  test('comes with its version, its revision, its variables, and tasks with their attempts', async () => {
    const pipeline = await history.pipeline('detailed', null);
    const run = await history.run(pipeline, {
      phase: 'Failed',
      reason: 'CheckFailed',
      message: 'task "b" failed',
      variables: { day: 'monday' },
    });
    const insertTask =
      'insert into tasks (run_id, name, position, blocks, needs, phase, attempts) values ($1, $2, $3, $4, $5, $6, $7)';
    await history.pool.query(insertTask, [run.id, 'b', 1, ['b'], ['a'], 'Failed', 2]);
    await history.pool.query(insertTask, [run.id, 'a', 0, ['x', 'a'], [], 'Succeeded', 1]);
    const insertAttempt =
      'insert into attempts (run_id, task, number, phase, reason, message, launched_at, finished_at, report) values ($1, $2, $3, $4, $5, $6, now(), now(), $7)';
    await history.pool.query(insertAttempt, [run.id, 'b', 2, 'Failed', 'CheckFailed', null, { outcome: 'Failed' }]);
    await history.pool.query(insertAttempt, [run.id, 'b', 1, 'Lost', 'Lost', 'exit code 137', null]);
    const detail = await reads.run('detailed-m1');
    expect(detail).toMatchObject({
      name: 'detailed-m1',
      window: null,
      reason: 'CheckFailed',
      message: 'task "b" failed',
      version: 'digest of detailed',
      revision: 'abc123',
      variables: { day: 'monday' },
    });
    expect(detail!.tasks.map((task) => [task.name, task.blocks, task.needs])).toEqual([
      ['a', ['x', 'a'], []],
      ['b', ['b'], ['a']],
    ]);
    expect(detail!.tasks[1]!.attempts).toMatchObject([
      { number: 1, phase: 'Lost', message: 'exit code 137', report: null },
      { number: 2, phase: 'Failed', reason: 'CheckFailed', report: { outcome: 'Failed' } },
    ]);
  });

  test('is the newest when a name was given twice, and null when it was never given', async () => {
    const pipeline = await history.pipeline('twice', null);
    await history.run(pipeline, { name: 'same', message: 'older' });
    await history.run(pipeline, { name: 'same', message: 'newer' });
    expect(await reads.run('same')).toMatchObject({ message: 'newer' });
    expect(await reads.run('never')).toBeNull();
  });
});

describe('the list of windows', () => {
  test('is newest first, with the last run of each, and pages of it meet', async () => {
    const pipeline = await history.pipeline('windowed', {
      every: { unit: 'month', count: 1 },
      timeZone: 'Europe/Berlin',
    });
    await history.window(
      pipeline,
      month(1),
      await history.run(pipeline, { window: month(1), runNo: 2, phase: 'Failed' }),
    );
    await history.window(pipeline, month(2));
    await history.window(pipeline, month(3), await history.run(pipeline, { window: month(3), phase: 'Running' }));
    const first = await reads.windows('windowed', { limit: 2 });
    expect(first).toMatchObject({ pipeline: 'windowed', timeZone: 'Europe/Berlin' });
    expect(first!.windows.map((window) => [window.label, window.phase, window.runNo, window.run])).toEqual([
      ['2019-03', 'Running', 1, 'windowed-2019-03'],
      ['2019-02', 'Missing', 0, null],
    ]);
    const second = await reads.windows('windowed', { limit: 2, before: first!.next! });
    expect(second!.windows.map((window) => window.run)).toEqual(['windowed-2019-01-2']);
    expect(second!.next).toBeNull();
  });

  test('puts each stretch that was passed over on the one page where it begins', async () => {
    const pipeline = await history.pipeline('skipping');
    for (const number of [3, 6, 9]) await history.window(pipeline, month(number));
    for (const number of [1, 4, 7, 10]) {
      await history.pool.query(
        `insert into skipped_ranges (pipeline_id, calendar_id, start_at, end_at, windows, reason) values ($1, $2, $3, $4, 2, 'CatchUpLatest')`,
        [pipeline.id, pipeline.calendarId, month(number).start, month(number + 1).end],
      );
    }
    const first = await reads.windows('skipping', { limit: 1 });
    const second = await reads.windows('skipping', { limit: 1, before: first!.next! });
    const third = await reads.windows('skipping', { limit: 1, before: second!.next! });
    const pages = [first, second, third].map((page) => page!.skipped.map((range) => range.start.slice(0, 7)));
    expect(pages).toEqual([['2019-10'], ['2019-07'], ['2019-04', '2019-01']]);
    expect(third!.next).toBeNull();
  });

  test('keeps apart windows of two calendars that begin together', async () => {
    const pipeline = await history.pipeline('changed');
    await history.window(pipeline, month(1));
    const { rows } = await history.pool.query(
      `insert into calendars (pipeline_id, number, spec, begins_at) values ($1, 2, '{}', now()) returning id`,
      [pipeline.id],
    );
    await history.window({ ...pipeline, calendarId: rows[0].id }, { ...month(1), label: '2019-01-01' });
    const first = await reads.windows('changed', { limit: 1 });
    const second = await reads.windows('changed', { limit: 1, before: first!.next! });
    expect([first, second].map((page) => page!.windows[0]!.label)).toEqual(['2019-01-01', '2019-01']);
  });

  test('is empty for a pipeline without schedule, null for none, and refuses a `before` that no page gave', async () => {
    await history.pipeline('unscheduled', null);
    expect(await reads.windows('unscheduled', { limit: 5 })).toEqual({
      pipeline: 'unscheduled',
      timeZone: null,
      windows: [],
      skipped: [],
      next: null,
    });
    expect(await reads.windows('nowhere', { limit: 5 })).toBeNull();
    await expect(reads.windows('unscheduled', { limit: 5, before: '2019' })).rejects.toThrow(PageError);
  });
});

describe('the list of pipelines', () => {
  test('tells schedule, last run, live runs and problems, by name, and leaves out retired ones', async () => {
    const busy = await history.pipeline('a-busy', { every: { unit: 'minute', count: 15 }, timeZone: 'UTC' });
    await history.run(busy, { window: month(1), phase: 'Succeeded' });
    await history.run(busy, { window: month(2), phase: 'Queued' });
    await history.run(busy, { window: month(3), phase: 'Running' });
    const gone = await history.pipeline('b-gone');
    await history.pool.query('update pipelines set retired_at = now() where id = $1', [gone.id]);
    const stopped = await history.pipeline('c-stopped', { cron: ['0 6 * * *'], timeZone: 'Asia/Kathmandu' });
    await history.pool.query(
      'update pipelines set suspended = true, ready = false, next_due_at = now() where id = $1',
      [stopped.id],
    );
    await history.pool.query(
      `insert into problems values (1, 0, 'c-stopped', 'c.yaml', 3, 5, 'unknown-field', 'a sentence', null)`,
    );

    const found = await reads.pipelines();
    const { problems } = found;
    const pipelines = found.pipelines.map(({ summary }) => summary);
    const names = pipelines.map((pipeline) => pipeline.name);
    expect(names).toEqual([...names].sort());
    expect(names).not.toContain('b-gone');
    expect(pipelines.find(({ name }) => name === 'a-busy')).toEqual({
      name: 'a-busy',
      source: 'default',
      file: 'a-busy.yaml',
      schedule: 'every 15 minutes',
      timeZone: 'UTC',
      suspended: false,
      ready: true,
      lastWindow: { start: month(3).start, end: month(3).end },
      lastPhase: 'Running',
      nextDueAt: null,
      lastSuccess: null,
      activeRuns: 1,
      queuedRuns: 1,
      version: 'digest of a-busy',
    });
    const other = pipelines.find(({ name }) => name === 'c-stopped');
    expect(other).toMatchObject({
      schedule: 'cron 0 6 * * *',
      suspended: true,
      ready: false,
      nextDueAt: null,
      lastPhase: null,
    });
    expect(problems).toEqual([
      {
        source: 'default',
        pipeline: 'c-stopped',
        file: 'c.yaml',
        line: 3,
        column: 5,
        code: 'unknown-field',
        message: 'a sentence',
      },
    ]);
  });
});
