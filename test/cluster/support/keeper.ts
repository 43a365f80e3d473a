import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { kube, say } from './binaries.ts';

/**
 * Starts kube/keep.sh, which ends the cluster when `stop` is called or when this process ends, in whatever way: it waits for
 * the end of its input. It has a session of its own, so that an interrupt at the terminal does not end it half-way.
 */
export async function startKeeper(options: { bin: string; node: boolean }) {
  const child = spawn(join(kube, 'keep.sh'), {
    detached: true,
    env: { ...process.env, BIN: options.bin, NODE: options.node ? '1' : '0' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  let errors = '';
  createInterface(child.stderr).on('line', (line) => {
    errors += `\n${line}`;
    if (/^(waiting|removing)/.test(line)) say(line);
  });
  const folder = await new Promise<string | null>((resolve) => {
    createInterface(child.stdout).on('line', (line) => {
      if (line.startsWith('ready ')) resolve(line.slice('ready '.length));
    });
    child.once('close', () => resolve(null));
  });
  if (folder === null) throw new Error(`the test cluster did not start:${errors}`);
  return {
    /** Holds keys, logs and the state; gone after `stop`. */
    folder,
    async stop(): Promise<void> {
      child.stdin.end();
      await ended;
    },
  };
}
