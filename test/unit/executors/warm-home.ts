import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { expect, onTestFinished } from 'vitest';
import type { Executor, LaunchInput, Observation } from '../../../controller/executors/port.ts';
import { createProcesses, type ProcessesOptions } from '../../../controller/executors/processes/executor.ts';
import { findRunners } from '../../../controller/executors/processes/runners.ts';
import { openHome } from '../../../controller/store/home.ts';
import type { TaskReport } from '../../../schemas/generated/types.ts';
import { identifyProcess } from '../../../schemas/processes.ts';
import { bundleOf, orderOf, rows } from '../runner/support.ts';

export const runner = fileURLToPath(new URL('../../../runner/main.ts', import.meta.url));
export const soon = { interval: 5, timeout: 30_000 };

const forEver = 'select count(*) as n from range(1000000000) a, range(1000000000) b where a.range * b.range = -1';
const tasks = [
  { name: 'quick', load: rows({ n: 1 }) },
  { name: 'endless', transform: { sql: forEver } },
  { name: 'failing', transform: { sql: 'select nope' } },
  { name: 'large', transform: { sql: 'select range as n, hash(range) as h from range(2000000) order by h' } },
].map((block) => bundleOf({ blocks: [block] }));
export const bundle = {
  ...tasks[0],
  blocks: tasks.flatMap((each) => each.blocks),
  tasks: tasks.flatMap((each) => each.tasks),
};

type More = { digest?: string; timeoutMs?: number } & Partial<LaunchInput>;

/** A home for real runners, with a bundle of one task each that is quick, endless, failing or large. Nothing of it is left after the test. */
export async function warmHome() {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'pipewright-warm-')));
  const { path: home } = await openHome({ path: join(folder, 'home') });
  onTestFinished(async () => {
    for (const { identity } of await findRunners(home)) process.kill(-identity.pid, 'SIGKILL');
    await expect.poll(() => findRunners(home), soon).toEqual([]);
    await rm(folder, { recursive: true });
  });
  const file = (id: string, name: string) => join(home, 'attempts', id, name);

  /** Its id is RUN.TASK.NUMBER. */
  function attempt(id: string, { digest = 'a', timeoutMs, ...more }: More = {}): LaunchInput {
    const [, task = '', number] = id.split('.');
    return {
      order: {
        ...orderOf({ blocks: [{ name: task }] }, home),
        attemptId: id,
        attempt: Number(number),
        bundle: { digest, path: join(home, 'bundles', `${digest}.json`) },
        timeoutMs: timeoutMs ?? null,
        heartbeatMs: 100,
      },
      bundle: async () => Buffer.from(JSON.stringify(bundle)),
      environment: [],
      secrets: [],
      ...more,
    };
  }

  function createExecutor(options: Partial<ProcessesOptions> = {}): Executor {
    return createProcesses({
      home,
      capacity: 4,
      environment: { PATH: process.env.PATH },
      allowEnvironment: () => true,
      secretsDir: join(home, 'secrets'),
      runner,
      heartbeatMs: 100,
      idleMs: 60_000,
      log: pino({ level: 'silent' }),
      failpoint: () => {},
      ...options,
    });
  }

  return {
    home,
    file,
    attempt,
    createExecutor,
    pidOf: (id: string): number => JSON.parse(readFileSync(file(id, 'started'), 'utf8')).pid,
    begun: (id: string) => expect.poll(() => existsSync(file(id, 'beat')), soon).toBe(true),
  };
}

export const ended = (pid: number) => expect.poll(() => identifyProcess(pid), soon).toBeNull();

export async function observe(executor: Executor, id: string): Promise<Observation | undefined> {
  return (await executor.observe([id])).get(id);
}

/** Launches an attempt and waits until its process has put it down. */
export async function run(executor: Executor, input: LaunchInput): Promise<TaskReport> {
  const over = new Promise<void>((resolve) => executor.onChange(resolve));
  await executor.launch(input);
  await over;
  const seen = await observe(executor, input.order.attemptId);
  if (seen?.state !== 'reported') throw new Error(`it is ${JSON.stringify(seen)}`);
  return seen.report;
}
