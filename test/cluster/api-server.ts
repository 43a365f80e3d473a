import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ControlPlane } from './support/control-plane.ts';

const up = fileURLToPath(new URL('./kube/up.sh', import.meta.url));

/** Ends the API server as a power cut does, and starts it again on the same data. */
export function apiServerOf({ kubeconfig }: ControlPlane) {
  const folder = dirname(dirname(kubeconfig));
  return {
    kill(): void {
      const [pid] = readFileSync(join(folder, 'run/apiserver.pid'), 'utf8').split(' ');
      process.kill(Number(pid), 'SIGKILL');
    },
    /** Resolves when it is ready. */
    start: () => promisify(execFile)(up, [folder]),
  };
}
