import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/** Runs a script as the jobs of forges do: by a shell that ends at the first failure. */
export async function runScript(script: string, options: { cwd: string; env: Record<string, string> }) {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn('bash', ['-eo', 'pipefail', '-c', script], {
    cwd: options.cwd,
    env: { PATH, HOME, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, stdout, stderr };
}
