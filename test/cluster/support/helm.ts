import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findBinaries } from './binaries.ts';

export type Helm = (args: string[]) => Promise<string>;

/** Helm against a cluster, with the binary of the test cluster, else the one on PATH. Rejects with what it complains of. */
export async function createHelm(kubeconfig: string): Promise<Helm> {
  const own = join(process.env.KUBEBUILDER_ASSETS || (await findBinaries()), 'helm');
  const command = existsSync(own) ? own : 'helm';
  const env = { ...process.env, KUBECONFIG: kubeconfig };
  const run = promisify(execFile);
  return async (args) => (await run(command, args, { env, maxBuffer: 16 * 1024 * 1024 })).stdout;
}
