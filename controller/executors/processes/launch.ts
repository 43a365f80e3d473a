import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import type { Failpoint } from '../../../schemas/failpoints.ts';
import type { LaunchInput } from '../port.ts';
import { type EnvironmentOptions, runnerEnvironment } from './environment.ts';
import { type AttemptFolder, replaceFile } from './folder.ts';

export type LaunchOptions = EnvironmentOptions & { readonly runner: string; readonly failpoint: Failpoint };

/** Bundle, order, process, in this order: a crash after any of them is repaired by doing all of it again. */
export async function startRunner(
  input: LaunchInput,
  folder: AttemptFolder,
  options: LaunchOptions,
): Promise<ChildProcess> {
  const { order, environment, secrets } = input;
  const { failpoint } = options;
  for (const path of [folder.scratch, order.artifacts]) await mkdir(path, { recursive: true, mode: 0o700 });
  failpoint('processes.before-bundle');
  if (!(await isThere(order.bundle.path))) await replaceFile(order.bundle.path, await input.bundle());
  failpoint('processes.after-bundle');
  const env = await runnerEnvironment({ environment, secrets, scratch: folder.scratch }, options);
  failpoint('processes.before-order');
  await replaceFile(folder.order, JSON.stringify(order));
  failpoint('processes.after-order');
  const child = await spawnRunner(options.runner, folder, env);
  // A crash here leaves a runner whose parent knows nothing of it. If the next controller starts a second one, the file
  // `started` lets only one of them begin.
  failpoint('processes.after-spawn');
  return child;
}

async function spawnRunner(runner: string, folder: AttemptFolder, env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const log = openSync(folder.log, 'a', 0o600);
  try {
    const child = spawn(process.execPath, [runner, folder.path], {
      cwd: folder.scratch,
      env,
      // A group of its own: it outlives the controller, a Ctrl-C does not reach it, and it ends with all it started.
      detached: true,
      stdio: ['ignore', log, log],
    });
    await once(child, 'spawn');
    child.unref();
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
