import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import type { Failpoint } from '../../../schemas/failpoints.ts';
import type { LaunchInput } from '../port.ts';
import type { Children } from './children.ts';
import { type EnvironmentOptions, environmentKey, runnerEnvironment } from './environment.ts';
import { type AttemptFolder, replaceFile } from './folder.ts';

export type LaunchOptions = EnvironmentOptions & { readonly runner: string; readonly failpoint: Failpoint };

/**
 * Bundle, order, process, in this order: a crash after any of them is repaired by doing all of it again. The process is a free one
 * that has run attempts of the same bundle in the same environment, or a new one.
 */
export async function startRunner(
  input: LaunchInput,
  folder: AttemptFolder,
  options: LaunchOptions & { readonly children: Children },
): Promise<void> {
  const { order, environment, secrets, fromFolder = false } = input;
  const { failpoint, children } = options;
  for (const path of [folder.scratch, order.artifacts]) await mkdir(path, { recursive: true, mode: 0o700 });
  failpoint('processes.before-bundle');
  if (!(await isThere(order.bundle.path))) await replaceFile(order.bundle.path, await input.bundle(), { flush: true });
  failpoint('processes.after-bundle');
  const env = await runnerEnvironment({ environment, secrets, fromFolder, scratch: folder.scratch }, options);
  failpoint('processes.before-order');
  // After a power cut nobody runs it, and whoever does it again writes it again.
  await replaceFile(folder.order, JSON.stringify(order), { flush: false });
  failpoint('processes.after-order');
  const key = `${order.bundle.digest} ${environmentKey(env)}`;
  // What was tried before gets a process of its own: whatever the first one suffered from is not in it.
  const isGiven = order.attempt === 1 && children.give(order.attemptId, key, folder.path);
  // Nothing is awaited between the start and `add`, so the child's end cannot be missed.
  if (!isGiven) children.add(order.attemptId, key, await spawnRunner(options.runner, folder, env));
  // A crash here leaves a runner whose parent knows nothing of it. If the next controller starts a second one, the file
  // `started` lets only one of them begin.
  failpoint('processes.after-spawn');
}

async function spawnRunner(runner: string, folder: AttemptFolder, env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const log = openSync(folder.log, 'a', 0o600);
  try {
    const child = spawn(process.execPath, [runner, folder.path], {
      cwd: folder.scratch,
      env,
      // A group of its own: it outlives the controller, a Ctrl-C does not reach it, and it ends with all it started.
      detached: true,
      // By the channel it is given further attempts; that it closes tells that the controller is gone.
      stdio: ['ignore', log, log, 'ipc'],
    });
    await once(child, 'spawn');
    return child;
  } finally {
    closeSync(log);
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
