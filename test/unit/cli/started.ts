import { once } from 'node:events';
import { expect } from 'vitest';
import { launch } from './command.ts';

/** `pipewright start` on a free port, when it is ready. `exit` is its code and signal. */
export async function startController(
  args: readonly string[],
  options: { readonly cwd: string; readonly databaseUrl: string; readonly env?: Record<string, string> },
) {
  const { databaseUrl, ...surroundings } = options;
  const child = launch(['start', '--port', '0', '--database-url', databaseUrl, ...args], surroundings);
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const exit = once(child, 'exit');
  await expect.poll(() => stderr, { timeout: 30_000 }).toMatch(/ready at http/);
  return {
    child,
    exit,
    url: /ready at (http:\/\/127\.0\.0\.1:\d+)/.exec(stderr)?.[1] ?? '',
    stderr: () => stderr,
    async end(): Promise<void> {
      child.kill('SIGTERM');
      await exit;
    },
  };
}
