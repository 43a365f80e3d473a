import { readFileSync, writeFileSync } from 'node:fs';

/** Begins a new measurement of the peak. Only Linux can; elsewhere a peak is that of the process's whole life. */
export function forgetPeakMemory(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // No such file, or a sandbox that does not let us write it.
  }
}

/** The most memory that was resident at once, in bytes. */
export function peakMemoryBytes(): number {
  try {
    const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (kibibytes !== undefined) return Number(kibibytes) * 1024;
  } catch {
    // No /proc.
  }
  return process.resourceUsage().maxRSS * 1024;
}
