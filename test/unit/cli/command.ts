import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../../../cli/bin.mjs', import.meta.url));

export type Outcome = { code: number | null; stdout: string; stderr: string };

/** Starts the command line as a process of its own, as a person's shell does. */
export function launch(args: readonly string[], options: { env?: Record<string, string>; cwd?: string } = {}) {
  const { PATH = '', HOME = '' } = process.env;
  return spawn(process.execPath, [bin, ...args], {
    env: { PATH, HOME, ...options.env },
    cwd: options.cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export async function pipewright(
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string } = {},
): Promise<Outcome> {
  const child = launch(args, options);
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, stdout, stderr };
}
