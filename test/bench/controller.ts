import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The command line's program. */
export const bin = fileURLToPath(new URL('../../cli/bin.mjs', import.meta.url));

/** A new temporary folder. Started by root, Postgres runs as another user, who has to enter. */
export function makeFolder(prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  chmodSync(folder, 0o755);
  return folder;
}

export type Controller = Awaited<ReturnType<typeof startController>>;

/** `pipewright start` in a process of its own, when it is ready. Throws with what it said when it ends before. */
export async function startController(options: {
  dir: string;
  home: string;
  args?: readonly string[];
  environment?: Record<string, string>;
}) {
  const began = performance.now();
  const args = ['start', '--dir', options.dir, '--home', options.home, '--port', '0', ...(options.args ?? [])];
  const child = spawn(process.execPath, [bin, ...args], {
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });

  /** Waits until it has said something; returns that and the seconds from its start. */
  async function until(pattern: RegExp): Promise<{ found: string; seconds: number }> {
    for (;;) {
      const found = pattern.exec(said);
      if (found) return { found: found[0], seconds: (performance.now() - began) / 1000 };
      if (child.exitCode !== null) throw new Error(`the controller ended:\n${said}`);
      await Promise.race([once(child.stderr, 'data'), exited]);
    }
  }

  const { found: url } = await until(/http:\/\/127\.0\.0\.1:\d+/);
  return {
    pid: child.pid as number,
    url,
    until,
    async stop(): Promise<void> {
      child.kill('SIGINT');
      await exited;
    },
  };
}
