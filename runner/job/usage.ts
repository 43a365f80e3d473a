import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Usage } from '../../schemas/generated/types.ts';

const everyMs = 1_000;

/** Where a container finds what it has used; its cgroup has one of two forms. */
const forms = [
  { memory: 'memory.current', stat: 'memory.stat', cache: 'inactive_file', cpu: readCpuStat },
  {
    memory: 'memory/memory.usage_in_bytes',
    stat: 'memory/memory.stat',
    cache: 'total_inactive_file',
    cpu: readCpuacct,
  },
];

/** What a pod has requested, as the kubelet tells it: zero for nothing. */
export type Requested = { readonly memoryBytes: number; readonly cpuMillis: number };

/**
 * Measures the pod that this process runs in from now on. `cgroup` is the folder of the container's own cgroup. The result of
 * `read` is null where that cannot be read.
 */
export function measureUsage(options: { cgroup: string; requested: Requested }): { read(): Usage | null } {
  const { cgroup, requested } = options;
  let peak = 0;
  const look = () => {
    peak = Math.max(peak, readWorkingSet(cgroup) ?? 0);
  };
  look();
  setInterval(look, everyMs).unref();
  return {
    read() {
      look();
      const cpuMs = readCpu(cgroup);
      if (peak === 0 || cpuMs === null) return null;
      return {
        // The process knows its own peak also between two looks.
        peakMemoryBytes: Math.max(peak, process.resourceUsage().maxRSS * 1_024),
        cpuMs,
        requestedMemoryBytes: requested.memoryBytes || null,
        requestedCpuMillis: requested.cpuMillis || null,
      };
    },
  };
}

/** Memory in use without the files that the kernel would drop first: by this the kubelet evicts. Bytes; null where unknown. */
function readWorkingSet(cgroup: string): number | null {
  for (const { memory, stat, cache } of forms) {
    const used = readNumber(join(cgroup, memory));
    if (used !== null) return Math.max(0, used - (readField(join(cgroup, stat), cache) ?? 0));
  }
  return null;
}

function readCpu(cgroup: string): number | null {
  for (const { cpu } of forms) {
    const ms = cpu(cgroup);
    if (ms !== null) return Math.round(ms);
  }
  return null;
}

function readCpuStat(cgroup: string): number | null {
  const us = readField(join(cgroup, 'cpu.stat'), 'usage_usec');
  return us === null ? null : us / 1_000;
}

function readCpuacct(cgroup: string): number | null {
  const ns = readNumber(join(cgroup, 'cpuacct/cpuacct.usage'));
  return ns === null ? null : ns / 1e6;
}

function readField(path: string, name: string): number | null {
  const line = readText(path)
    ?.split('\n')
    .find((each) => each.startsWith(`${name} `));
  return line === undefined ? null : Number(line.slice(name.length));
}

function readNumber(path: string): number | null {
  const text = readText(path);
  return text === null ? null : Number(text);
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // No such form of cgroup here.
    return null;
  }
}
