import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Executor, LaunchInput, Observation } from '../../../controller/executors/port.ts';
import { createProcesses, type ProcessesOptions } from '../../../controller/executors/processes/executor.ts';
import { findRunners } from '../../../controller/executors/processes/runners.ts';
import { openHome } from '../../../controller/store/home.ts';
import { identifyProcess } from '../../../schemas/processes.ts';

const runner = fileURLToPath(new URL('../../support/fixtures/runner.ts', import.meta.url));
const never = new AbortController().signal;
const soon = { interval: 5, timeout: 20_000 };

let folder: string;
let home: string;
let bundles: number;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'pipewright-processes-')));
  const opened = await openHome({ path: join(folder, 'home with blanks') });
  home = opened.path;
  bundles = 0;
});

afterEach(async () => {
  for (const { identity } of await findRunners(home)) process.kill(-identity.pid, 'SIGKILL');
  await expect.poll(() => findRunners(home), soon).toEqual([]);
  await rm(folder, { recursive: true });
});

function createExecutor(options: Partial<ProcessesOptions> = {}): Executor {
  return createProcesses({
    home,
    capacity: 4,
    environment: { PATH: process.env.PATH },
    allowEnvironment: () => true,
    secretsDir: join(home, 'secrets'),
    runner,
    heartbeatMs: 20,
    graceMs: 100,
    lookMs: 10,
    log: pino({ level: 'silent' }),
    failpoint: () => {},
    ...options,
  });
}

function attempt(act: string, attemptId = '1.trips.1'): LaunchInput {
  return {
    order: {
      attemptId,
      ledgerId: '',
      pipeline: 'taxi',
      run: { id: 1, name: 'taxi-m1', runNo: 1, trigger: 'manual' },
      task: 'trips',
      attempt: 1,
      window: null,
      variables: { act },
      bundle: { digest: 'abc', path: join(home, 'bundles', 'abc.json') },
      artifacts: join(home, 'artifacts', '1'),
      timeoutMs: null,
      heartbeatMs: 20,
    },
    bundle: async () => {
      bundles += 1;
      return Buffer.from('{}');
    },
    environment: [],
    secrets: [],
  };
}

const file = (name: string, attemptId = '1.trips.1') => join(home, 'attempts', attemptId, name);
const tellToGo = () => writeFile(file('go'), '');

async function observe(executor: Executor, attemptId = '1.trips.1'): Promise<Observation> {
  return (await executor.observe([attemptId])).get(attemptId)!;
}

async function until(executor: Executor, state: Observation['state'], attemptId = '1.trips.1'): Promise<Observation> {
  await expect.poll(async () => (await observe(executor, attemptId)).state, soon).toBe(state);
  return observe(executor, attemptId);
}

/** Waits until the runner has begun, and says which process it is. */
async function begun(attemptId = '1.trips.1'): Promise<number> {
  await expect.poll(() => existsSync(file('beat', attemptId)), soon).toBe(true);
  return JSON.parse(readFileSync(file('started', attemptId), 'utf8')).pid;
}

async function ended(pid: number): Promise<void> {
  await expect.poll(() => identifyProcess(pid), soon).toBeNull();
}

async function textOf(executor: Executor, follow: boolean, signal = never): Promise<string> {
  let text = '';
  for await (const chunk of executor.logs('1.trips.1', { follow, signal })) text += chunk;
  return text;
}

describe('an attempt that goes well', () => {
  test('is running until it has reported, and is reported for ever after', async () => {
    const executor = createExecutor();
    await executor.launch(attempt('ok'));
    await begun();
    expect(await observe(executor)).toEqual({ state: 'running' });
    await tellToGo();
    expect(await until(executor, 'reported')).toMatchObject({
      report: { outcome: 'Succeeded', attemptId: '1.trips.1' },
    });
    expect(await until(createExecutor(), 'reported')).toMatchObject({ report: { outcome: 'Succeeded' } });
  });

  test('tells its listeners when it ends', async () => {
    const executor = createExecutor();
    let told = 0;
    executor.onChange(() => (told += 1));
    await executor.launch(attempt('ok'));
    await begun();
    expect(told).toBe(0);
    await tellToGo();
    await expect.poll(() => told, soon).toBe(1);
    expect((await observe(executor)).state).toBe('reported');
  });

  test('finds its order, its bundle and its folders', async () => {
    const executor = createExecutor();
    const input = attempt('ok');
    await executor.launch(input);
    await begun();
    expect(JSON.parse(await readFile(file('order.json'), 'utf8'))).toEqual(input.order);
    expect(await readFile(input.order.bundle.path, 'utf8')).toBe('{}');
    expect((await stat(file('scratch'))).isDirectory()).toBe(true);
    expect((await stat(input.order.artifacts)).isDirectory()).toBe(true);
  });

  test('shares a bundle that is there already', async () => {
    const executor = createExecutor();
    await executor.launch(attempt('environment'));
    await executor.launch(attempt('environment', '1.trips.2'));
    expect(bundles).toBe(1);
    await until(executor, 'reported');
    await until(executor, 'reported', '1.trips.2');
  });

  test('sees exactly its environment, its folder as only argument and its scratch as working folder', async () => {
    await mkdir(join(home, 'secrets/warehouse'));
    await writeFile(join(home, 'secrets/warehouse/password'), 'geheim\n');
    const environment = { PATH: process.env.PATH, POSTGRES_HOST: 'db', OTHER: 'x', HOME: '/homes/me' };
    const executor = createExecutor({ environment, allowEnvironment: (name) => name.startsWith('POSTGRES_') });
    await executor.launch({
      ...attempt('environment'),
      environment: ['POSTGRES_HOST', 'OTHER'],
      secrets: [{ name: 'warehouse', key: 'password' }],
    });
    await until(executor, 'reported');
    const seen = JSON.parse(await readFile(file('seen'), 'utf8'));
    const scratch = file('scratch');
    expect(seen).toEqual({
      environment: {
        PATH: process.env.PATH,
        POSTGRES_HOST: 'db',
        PIPEWRIGHT_SECRET_warehouse__password: 'geheim',
        HOME: scratch,
        TZ: 'UTC',
        UV_THREADPOOL_SIZE: '16',
      },
      argv: [process.execPath, runner, file('')].map((each) => each.replace(/\/$/, '')),
      cwd: scratch,
      execArgv: [],
    });
  });
});

describe('an attempt is created at most once', () => {
  test('by any number of launches at once', async () => {
    const executor = createExecutor();
    await Promise.all(Array.from({ length: 5 }, () => executor.launch(attempt('ok'))));
    await begun();
    expect(await findRunners(home)).toHaveLength(1);
  });

  test('by any number of controllers at once', async () => {
    const executors = Array.from({ length: 4 }, () => createExecutor());
    await Promise.all(executors.map((executor) => executor.launch(attempt('ok'))));
    const pid = await begun();
    await expect.poll(async () => (await findRunners(home)).map((each) => each.identity.pid), soon).toEqual([pid]);
    for (const executor of executors) expect(await observe(executor)).toEqual({ state: 'running' });
    await tellToGo();
    for (const executor of executors) await until(executor, 'reported');
  });

  test('and not again when it has ended', async () => {
    const executor = createExecutor();
    await executor.launch(attempt('crash'));
    await until(executor, 'gone');
    await executor.launch(attempt('ok'));
    await createExecutor().launch(attempt('ok'));
    expect((await observe(executor)).state).toBe('gone');
    expect(await findRunners(home)).toEqual([]);
  });

  test.each([
    'processes.before-bundle',
    'processes.after-bundle',
    'processes.before-order',
    'processes.after-order',
    'processes.after-spawn',
  ])('by a controller that dies at %s and the next one', async (place) => {
    const failpoint = (name: string) => {
      if (name === place) throw new Error('crash');
    };
    await expect(createExecutor({ failpoint }).launch(attempt('ok'))).rejects.toThrow('crash');
    const next = createExecutor();
    if (place !== 'processes.after-spawn') expect(await observe(next)).toEqual({ state: 'absent' });
    await next.launch(attempt('ok'));
    const pid = await begun();
    await expect.poll(async () => (await findRunners(home)).map((each) => each.identity.pid), soon).toEqual([pid]);
    expect(await observe(next)).toEqual({ state: 'running' });
    await tellToGo();
    await until(next, 'reported');
  });
});

describe('an attempt that goes wrong', () => {
  test('is absent when it was never launched', async () => {
    expect(await observe(createExecutor())).toEqual({ state: 'absent' });
  });

  test('is gone with its exit code and the end of its log when its runner crashes', async () => {
    const executor = createExecutor();
    await executor.launch(attempt('crash'));
    expect(await until(executor, 'gone')).toEqual({
      state: 'gone',
      detail: 'its runner ended without a report (exit code 3); the end of its log: boom: no such thing',
    });
  });

  test('is gone when its runner crashes before it has begun', async () => {
    const executor = createExecutor();
    await executor.launch(attempt('crashBeforeStart'));
    expect(await until(executor, 'gone')).toEqual({
      state: 'gone',
      detail: 'its runner ended without a report (exit code 7)',
    });
  });

  test('is gone with the signal when its runner is killed', async () => {
    const executor = createExecutor();
    await executor.launch(attempt('ok'));
    process.kill(await begun(), 'SIGKILL');
    expect(await until(executor, 'gone')).toMatchObject({ detail: expect.stringContaining('(signal SIGKILL)') });
  });

  test('is gone when its report is no report of it', async () => {
    const executor = createExecutor();
    await executor.launch(attempt('brokenReport'));
    expect(await until(executor, 'gone')).toMatchObject({
      detail: expect.stringContaining('its report has a bad "attemptId"'),
    });
  });

  test('is silent when it lives and does not beat, and running before that', async () => {
    let now = 0;
    const executor = createExecutor({ clock: () => now, heartbeatMs: 1_000, silenceMs: 3_000 });
    await executor.launch(attempt('silent'));
    await begun();
    for (const [at, state] of [
      [0, 'running'],
      [2_000, 'running'],
      [2_999, 'running'],
      [3_000, 'silent'],
    ] as const) {
      now = at;
      expect((await observe(executor)).state).toBe(state);
    }
  });

  test('is silent when its process is frozen, and the fence ends it', async () => {
    const executor = createExecutor({ silenceMs: 200 });
    await executor.launch(attempt('ok'));
    const pid = await begun();
    process.kill(pid, 'SIGSTOP');
    await until(executor, 'silent');
    expect(await executor.fence('1.trips.1')).toBeNull();
    expect(identifyProcess(pid)).toBeNull();
  });

  test('has its launch rejected when no process can be started', async () => {
    const executor = createExecutor();
    await mkdir(file(''), { recursive: true });
    await mkdir(file('log'));
    await expect(executor.launch(attempt('ok'))).rejects.toThrow(/EISDIR/);
    expect(await observe(executor)).toEqual({ state: 'absent' });
  });

  test('cannot leave the folder of attempts by its id', async () => {
    await expect(createExecutor().launch(attempt('ok', '../../x'))).rejects.toThrow(
      'attempt "../../x": its id is no file name',
    );
  });
});

describe('after the controller died', () => {
  test('the next one sees what runs, hears of its end and reads its report', async () => {
    await createExecutor().launch(attempt('ok'));
    await begun();
    const next = createExecutor();
    let told = 0;
    next.onChange(() => (told += 1));
    expect(await observe(next)).toEqual({ state: 'running' });
    await tellToGo();
    await expect.poll(() => told, soon).toBe(1);
    expect((await observe(next)).state).toBe('reported');
    expect(told).toBe(1);
  });

  test('a runner whose number belongs to a stranger by now is gone, and the stranger is left alone', async () => {
    const stranger = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
    const executor = createExecutor();
    await mkdir(file(''), { recursive: true });
    await writeFile(file('started'), JSON.stringify({ pid: stranger.pid, startTime: '1' }));
    expect((await observe(executor)).state).toBe('gone');
    await executor.stop('1.trips.1');
    await executor.fence('1.trips.1');
    await executor.sweep([]);
    expect(identifyProcess(stranger.pid!)).not.toBeNull();
    stranger.kill('SIGKILL');
  });

  test('a runner that was killed while it wrote who it is counts as gone', async () => {
    const executor = createExecutor();
    await mkdir(file(''), { recursive: true });
    await writeFile(file('started'), '');
    expect((await observe(executor)).state).toBe('gone');
    expect(await executor.fence('1.trips.1')).toBeNull();
  });

  test('sweep ends the processes of settled attempts and no others', async () => {
    const before = createExecutor();
    for (const id of ['1.trips.1', '1.trips.2']) await before.launch(attempt('stubborn', id));
    const [settled, live] = [await begun('1.trips.1'), await begun('1.trips.2')];
    const reader = spawn('tail', ['-f', file('log')], { stdio: 'ignore' });
    await createExecutor().sweep(['1.trips.2']);
    expect(identifyProcess(settled)).toBeNull();
    expect(identifyProcess(live)).not.toBeNull();
    expect(identifyProcess(reader.pid!)).not.toBeNull();
    reader.kill('SIGKILL');
  });
});

describe('stop', () => {
  test('lets the runner end by itself and report', async () => {
    const executor = createExecutor({ graceMs: 60_000 });
    await executor.launch(attempt('polite'));
    await begun();
    await executor.stop('1.trips.1');
    expect(await until(executor, 'reported')).toMatchObject({ report: { outcome: 'Cancelled' } });
  });

  test('kills the runner that does not end within the grace, after one SIGTERM however often it is called', async () => {
    const executor = createExecutor({ graceMs: 300 });
    await executor.launch(attempt('stubborn'));
    await expect.poll(() => existsSync(file('ready')), soon).toBe(true);
    for (let i = 0; i < 5; i++) await executor.stop('1.trips.1');
    await until(executor, 'gone');
    expect(await readFile(file('log'), 'utf8')).toBe('no\n');
  });

  test('ends a runner that an earlier controller started', async () => {
    await createExecutor().launch(attempt('stubborn'));
    const pid = await begun();
    await createExecutor().stop('1.trips.1');
    await ended(pid);
  });

  test('ends what the runner started, too', async () => {
    const executor = createExecutor();
    await executor.launch(attempt('family'));
    await expect.poll(() => existsSync(file('grandchild')), soon).toBe(true);
    const grandchild = Number(readFileSync(file('grandchild'), 'utf8'));
    await executor.stop('1.trips.1');
    await ended(grandchild);
  });

  test('does nothing to an attempt that is absent or over', async () => {
    const executor = createExecutor();
    await executor.stop('1.trips.1');
    await executor.launch(attempt('environment'));
    await until(executor, 'reported');
    await executor.stop('1.trips.1');
    expect((await observe(executor)).state).toBe('reported');
  });
});

describe('fence', () => {
  test('keeps an attempt that was never launched from ever beginning', async () => {
    const executor = createExecutor();
    expect(await executor.fence('1.trips.1')).toBeNull();
    expect(await executor.fence('1.trips.1')).toBeNull();
    await executor.launch(attempt('ok'));
    expect(await findRunners(home)).toEqual([]);
    expect(await observe(executor)).toEqual({ state: 'gone', detail: 'it was barred before it began' });
  });

  test('keeps a runner that is slow to start from beginning', async () => {
    const executor = createExecutor();
    await executor.launch(attempt('slow'));
    const [found] = await findRunners(home);
    // Another controller's fence: it knows nothing of that process.
    await createExecutor().fence('1.trips.1');
    await tellToGo();
    await ended(found!.identity.pid);
    expect(existsSync(file('report.json'))).toBe(false);
    await until(executor, 'gone');
  });

  test('ends the runner and what it started, and then nothing of the attempt runs', async () => {
    const executor = createExecutor();
    await executor.launch(attempt('family'));
    const pid = await begun();
    await expect.poll(() => existsSync(file('grandchild')), soon).toBe(true);
    expect(await executor.fence('1.trips.1')).toBeNull();
    expect(identifyProcess(pid)).toBeNull();
    await ended(Number(readFileSync(file('grandchild'), 'utf8')));
  });

  test('returns the report of an attempt that has reported meanwhile', async () => {
    const executor = createExecutor();
    await executor.launch(attempt('environment'));
    await expect.poll(() => existsSync(file('report.json')), soon).toBe(true);
    expect(await executor.fence('1.trips.1')).toMatchObject({ outcome: 'Succeeded' });
  });
});

describe('what is left behind', () => {
  test('the processes that a runner leaves when it ends are ended', async () => {
    const executor = createExecutor();
    await executor.launch(attempt('family'));
    await expect.poll(() => existsSync(file('grandchild')), soon).toBe(true);
    await tellToGo();
    await ended(Number(readFileSync(file('grandchild'), 'utf8')));
  });

  test('a runner that reports and does not end is ended after the grace', async () => {
    const executor = createExecutor();
    await executor.launch(attempt('hangAfterReport'));
    const pid = await begun();
    await until(executor, 'reported');
    await ended(pid);
    expect((await observe(executor)).state).toBe('reported');
  });

  test('the scratch of an attempt that is over is removed, and its log, order and report are kept', async () => {
    const executor = createExecutor();
    await executor.launch(attempt('environment'));
    await ended(await begun());
    await until(executor, 'reported');
    expect((await readdir(file(''))).sort()).toEqual(['beat', 'log', 'order.json', 'report.json', 'seen', 'started']);
  });
});

describe('logs', () => {
  test('are there while the attempt runs, and after it', async () => {
    const executor = createExecutor();
    await executor.launch(attempt('ok'));
    await expect.poll(() => textOf(executor, false), soon).toBe('first line\n');
    await tellToGo();
    await until(executor, 'reported');
    expect(await textOf(executor, false)).toBe('first line\nlast line with ü\n');
  });

  test('are followed until the attempt has ended, by any controller', async () => {
    await createExecutor().launch(attempt('ok'));
    const followed = textOf(createExecutor(), true);
    await begun();
    await tellToGo();
    expect(await followed).toBe('first line\nlast line with ü\n');
  });

  test('are waited for before the attempt is launched', async () => {
    const executor = createExecutor();
    const followed = textOf(executor, true);
    await executor.launch(attempt('ok'));
    await begun();
    await tellToGo();
    expect(await followed).toBe('first line\nlast line with ü\n');
  });

  test('of an attempt that nobody launches end after a while', async () => {
    expect(await textOf(createExecutor({ silenceMs: 10 }), true)).toBe('');
  });

  test('end when the reader goes away', async () => {
    const executor = createExecutor();
    await executor.launch(attempt('ok'));
    const reader = new AbortController();
    const followed = textOf(executor, true, reader.signal);
    await begun();
    reader.abort();
    expect(await followed).toMatch(/^(first line\n)?$/);
  });
});
