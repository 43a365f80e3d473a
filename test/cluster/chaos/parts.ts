import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ControlPlane } from '../support/control-plane.ts';

const up = fileURLToPath(new URL('../kube/up.sh', import.meta.url));

type Part = 'etcd' | 'apiserver' | 'kubelet' | 'containerd';

/** The processes of a cluster, to be killed and started again. */
export function partsOf({ kubeconfig }: ControlPlane) {
  const folder = dirname(dirname(kubeconfig));
  return {
    kill(part: Part): void {
      const [pid] = readFileSync(join(folder, `run/${part}.pid`), 'utf8').split(' ');
      process.kill(Number(pid), 'SIGKILL');
    },
    /** Starts what has been killed; resolves when all is ready. */
    start: () => promisify(execFile)(up, [folder]),
  };
}

/** The processes of a pod: its container's, and the shim that stands between them and containerd. */
export function processesOfPod(uid: string): { shim: number[]; runner: number[] } {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const inPod = all.filter((pid) => read(pid, 'cgroup').includes(`pod${uid}`));
  const runner = inPod.filter((pid) => read(pid, 'cmdline').includes('runner/job.ts'));
  const shim = [...new Set(inPod.map(parentOf))].filter((pid) => read(pid, 'cmdline').includes('containerd-shim'));
  return { shim: shim.map(Number), runner: runner.map(Number) };
}

function parentOf(pid: string): string {
  return (
    read(pid, 'stat')
      .replace(/.*\) \S /s, '')
      .split(' ')[0] ?? ''
  );
}

/** Empty where the process has ended meanwhile. */
function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
