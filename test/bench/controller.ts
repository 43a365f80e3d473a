import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync } from 'node:fs';
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
  /** The folder with manifests, where `args` do not name another source. */
  dir?: string;
  home: string;
  args?: readonly string[];
  environment?: Record<string, string>;
}) {
  const began = performance.now();
  const source = options.dir === undefined ? [] : ['--dir', options.dir];
  const args = ['start', ...source, '--home', options.home, '--port', '0', ...(options.args ?? [])];
  const child = spawn(process.execPath, [bin, ...args], {
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });

  /** Waits until it has said something, by now or `from` a length of what it had said; returns that and the seconds from its start. */
  async function until(pattern: RegExp, from = 0): Promise<{ found: string; seconds: number }> {
    for (;;) {
      const found = pattern.exec(said.slice(from));
      if (found) return { found: found[0], seconds: (performance.now() - began) / 1000 };
      if (child.exitCode !== null) throw new Error(`the controller ended:\n${said}`);
      await Promise.race([once(child.stderr, 'data'), exited]);
    }
  }

  const { found: url } = await until(/(?<=ready at )http:\/\/127\.0\.0\.1:\d+/);
  return {
    pid: child.pid as number,
    url,
    until,
    said: () => said.length,
    /** Seconds of a core that it and those of its children that it has waited for have taken so far. */
    cpuSeconds: () => cpuSeconds(child.pid as number),
    /** Resident megabytes. */
    memory: () => memory(child.pid as number),
    async stop(): Promise<void> {
      child.kill('SIGINT');
      await exited;
    },
  };
}

function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
}

function memory(pid: number) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (field: string) => Math.round((Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) * 1024) / 1e6);
  return { now: of('VmRSS'), peak: of('VmHWM') };
}
