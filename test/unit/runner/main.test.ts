import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { TaskOrder, TaskReport } from '../../../schemas/generated/types.ts';
import { identifyProcess } from '../../../schemas/processes.ts';
import { bundleOf, orderOf, rows, type TaskInput, temporaryFolder } from './support.ts';

const main = fileURLToPath(new URL('../../../runner/main.ts', import.meta.url));

const trivial: TaskInput = {
  blocks: [
    { name: 'one', load: rows({ n: 1 }) },
    { name: 'two', from: ['one'], transform: { sql: 'select n + 1 as n from one' } },
  ],
};
const endless: TaskInput = {
  blocks: [
    {
      name: 'endless',
      transform: {
        sql: 'select count(*) as n from range(1000000000) a, range(1000000000) b where a.range * b.range = -1',
      },
    },
  ],
};

type Attempt = {
  folder: string;
  file(name: string): string;
  text(name: string): Promise<string>;
  exists(name: string): Promise<boolean>;
};

/** The folder of an attempt as an executor makes it. */
async function attemptOf(input: TaskInput, more: Partial<TaskOrder> = {}): Promise<Attempt> {
  const home = await temporaryFolder();
  const folder = join(home, 'attempts', '1.task.1');
  const file = (name: string) => join(folder, name);
  await mkdir(file('scratch'), { recursive: true });
  await mkdir(join(home, 'artifacts'));
  await writeFile(join(home, 'bundle.json'), JSON.stringify(bundleOf(input)));
  await writeFile(file('order.json'), JSON.stringify({ ...orderOf(input, home), ...more }));
  const exists = (name: string) =>
    access(file(name)).then(
      () => true,
      () => false,
    );
  return { folder, file, exists, text: (name) => readFile(file(name), 'utf8') };
}

type Runner = { child: ChildProcess; output: string[]; ended: Promise<[code: number | null, signal: string | null]> };

function start(attempt: Attempt, environment: Record<string, string> = {}): Runner {
  const env = { PATH: process.env.PATH, TZ: 'UTC', UV_THREADPOOL_SIZE: '16', ...environment };
  const child = spawn(process.execPath, [main, attempt.folder], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => output.push(String(data)));
  return { child, output, ended: once(child, 'close') as Runner['ended'] };
}

async function reportOf(attempt: Attempt): Promise<TaskReport> {
  return JSON.parse(await attempt.text('report.json'));
}

describe('a runner', () => {
  test('says who it is, runs its task, and leaves a report and no scratch', async () => {
    const attempt = await attemptOf(trivial);
    const { child, output, ended } = start(attempt);
    const identity = identifyProcess(child.pid ?? 0);
    expect(await ended).toEqual([0, null]);
    expect(JSON.parse(await attempt.text('started'))).toEqual(identity);
    expect(await reportOf(attempt)).toMatchObject({
      attemptId: '1.two.1',
      outcome: 'Succeeded',
      reason: null,
      blocks: [{ name: 'one' }, { name: 'two', rows: 1 }],
      sample: { rows: [['2']] },
      partial: false,
    });
    expect(await attempt.exists('scratch')).toBe(false);
    expect(output.join('')).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z two: 1 row/m);
  });

  test.each(['{"pid":1,"startTime":"1"}', '{"barred":true}'])(
    'does nothing when the attempt was begun: %s',
    async (text) => {
      const attempt = await attemptOf(trivial);
      await writeFile(attempt.file('started'), text);
      const { output, ended } = start(attempt);
      expect(await ended).toEqual([0, null]);
      expect(output).toEqual([]);
      expect(await attempt.text('started')).toBe(text);
      expect(await attempt.exists('report.json')).toBe(false);
    },
  );

  test('is one of two that were started for the same attempt', async () => {
    const attempt = await attemptOf(trivial);
    const runners = [start(attempt), start(attempt)];
    await Promise.all(runners.map(({ ended }) => ended));
    expect(runners.filter(({ output }) => output.length > 0)).toHaveLength(1);
    expect(await reportOf(attempt)).toMatchObject({ outcome: 'Succeeded' });
  });

  test('reports a failure with exit code 0, for the report tells more', async () => {
    const attempt = await attemptOf({ blocks: [{ name: 'bad', transform: { sql: 'select nope' } }] });
    expect(await start(attempt).ended).toEqual([0, null]);
    expect(await reportOf(attempt)).toMatchObject({
      outcome: 'Failed',
      reason: 'TransformFailed',
      error: { block: 'bad' },
    });
  });

  test('reports a bundle that is not there', async () => {
    const attempt = await attemptOf(trivial, { bundle: { digest: '', path: '/nowhere/bundle.json' } });
    expect(await start(attempt).ended).toEqual([0, null]);
    expect(await reportOf(attempt)).toMatchObject({ outcome: 'Failed', reason: 'InternalError' });
  });

  test('beats while it works', async () => {
    const attempt = await attemptOf(endless, { heartbeatMs: 20 });
    start(attempt);
    const beat = async () => Number(await attempt.text('beat').catch(() => '0'));
    await expect.poll(beat, { timeout: 20_000 }).toBeGreaterThan(3);
  });

  test('ends a task when it is told to, and says that it was cancelled', async () => {
    const attempt = await attemptOf(endless);
    const { child, ended } = start(attempt);
    await expect.poll(() => attempt.exists('beat'), { timeout: 20_000 }).toBe(true);
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(await reportOf(attempt)).toMatchObject({ outcome: 'Cancelled', reason: 'CancelledByRequest' });
    expect(await attempt.exists('scratch')).toBe(false);
  });

  test('ends a task that takes too long', async () => {
    const attempt = await attemptOf(endless, { timeoutMs: 500 });
    expect(await start(attempt).ended).toEqual([0, null]);
    expect(await reportOf(attempt)).toMatchObject({ outcome: 'Failed', reason: 'TimedOut' });
  });

  test('ends itself when its task does not end though it was told to', async () => {
    const attempt = await attemptOf(trivial);
    const pipe = attempt.file('scratch/pipe');
    execFileSync('mkfifo', [pipe]);
    const stuck = { blocks: [{ name: 'stuck', transform: { sql: `select * from read_text('${pipe}')` } }] };
    const home = join(attempt.folder, '../..');
    await writeFile(join(home, 'bundle.json'), JSON.stringify(bundleOf(stuck)));
    await writeFile(attempt.file('order.json'), JSON.stringify({ ...orderOf(stuck, home), timeoutMs: 2000 }));
    expect(await start(attempt).ended).toEqual([null, 'SIGKILL']);
    expect(await reportOf(attempt)).toMatchObject({ outcome: 'Failed', reason: 'TimedOut' });
  });

  test('gets secrets and variables from its environment', async () => {
    const attempt = await attemptOf({
      blocks: [
        {
          name: 'a',
          load: { http: { url: 'a.csv', connection: 'files' }, format: { csv: { columns: { a: 'INTEGER' } } } },
        },
      ],
      connections: { files: { http: { url: "{{ env_var('BASE_URL') }}" } } },
    });
    await start(attempt, { BASE_URL: 'http://127.0.0.1:9' }).ended;
    expect((await reportOf(attempt)).error?.message).toContain('ECONNREFUSED');
  });
});

describe('an error that nobody catches', () => {
  const script = fileURLToPath(new URL('./late-error.ts', import.meta.url));
  const startWith = (attempt: Attempt, isFirst: boolean): Runner => {
    const child = spawn(process.execPath, [
      script,
      attempt.file('order.json'),
      join(attempt.folder, '../../bundle.json'),
      String(isFirst),
    ]);
    onTestFinished(() => void child.kill('SIGKILL'));
    const output: string[] = [];
    child.stdout.on('data', (data) => output.push(String(data)));
    return { child, output, ended: once(child, 'close') as Runner['ended'] };
  };

  test('fails the attempt of a new process', async () => {
    const attempt = await attemptOf(endless);
    expect(await startWith(attempt, true).ended).toEqual([0, null]);
    expect(await reportOf(attempt)).toMatchObject({
      reason: 'InternalError',
      error: { message: 'the runner failed: somebody left this behind' },
    });
  });

  test('ends a process that has run others without a report, for it may stem from one of those', async () => {
    const attempt = await attemptOf(endless);
    const { ended, output } = startWith(attempt, false);
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect(output.join('')).toContain('InternalError: Error: somebody left this behind');
    expect(await attempt.exists('report.json')).toBe(false);
  });
});

describe('a runner that is killed', () => {
  test.each([
    ['runner.before-started', { started: false, report: false }],
    ['runner.after-started', { started: true, report: false }],
    ['runner.before-report', { started: true, report: false }],
    ['runner.after-report', { started: true, report: true }],
  ])('at %s leaves what it had done', async (failpoint, expected) => {
    const attempt = await attemptOf(trivial);
    expect(await start(attempt, { PIPEWRIGHT_FAILPOINT: failpoint }).ended).toEqual([null, 'SIGKILL']);
    expect({ started: await attempt.exists('started'), report: await attempt.exists('report.json') }).toEqual(expected);
  });

  test.each([
    ['artifact.before-rename', false],
    ['artifact.after-rename', true],
  ])('at %s has handed over all rows or none', async (failpoint, isThere) => {
    const attempt = await attemptOf({ ...trivial, outputs: ['two'] });
    expect(await start(attempt, { PIPEWRIGHT_FAILPOINT: failpoint }).ended).toEqual([null, 'SIGKILL']);
    expect(await attempt.exists('../../artifacts/two.parquet')).toBe(isThere);
    expect(await attempt.exists('report.json')).toBe(false);
  });
});
