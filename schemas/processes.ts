import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * A process for sure: its number is used again after its end, its start time is not. `startTime` is field 22 of
 * /proc/PID/stat (ticks since boot); where there is no /proc, `ps`'s `lstart`.
 */
export type ProcessIdentity = { readonly pid: number; readonly startTime: string };

/** Identity of the process that has this number now; null when there is none, or only its zombie. */
export function identifyProcess(pid: number): ProcessIdentity | null {
  const found = inspect(pid);
  return found && !found.ended ? { pid, startTime: found.startTime } : null;
}

/** True while that very process runs. A zombie has ended: it holds nothing and does nothing. */
export function isAlive(identity: ProcessIdentity): boolean {
  const now = identifyProcess(identity.pid);
  return now !== null && now.startTime === identity.startTime;
}

/**
 * Signals every process of the group that `leader` leads or led, unless its number belongs to somebody else by now. While
 * one member is left the system does not give the number away, so a group without leader is still the old one.
 * Returns false when there was nobody to signal.
 */
export function signalGroup(leader: ProcessIdentity, signal: NodeJS.Signals): boolean {
  const found = inspect(leader.pid);
  if (found && found.startTime !== leader.startTime) return false;
  return signalled(-leader.pid, signal);
}

/** Signals that one process, if it is still the same. Returns false when it is not there. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  return isAlive(identity) && signalled(identity.pid, signal);
}

/** The command line of a running process, its words joined by spaces; null when it has ended. */
export function commandLine(pid: number): string | null {
  if (process.platform !== 'linux') return ps(pid, 'command=');
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return null;
  }
}

function signalled(target: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(target, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

function inspect(pid: number): { startTime: string; ended: boolean } | null {
  if (!Number.isSafeInteger(pid) || pid <= 0) return null;
  return process.platform === 'linux' ? inspectProc(pid) : inspectPs(pid);
}

function inspectProc(pid: number): { startTime: string; ended: boolean } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the program's name in parentheses, and may itself hold blanks and parentheses.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [state = '', startTime = ''] = [fields[0], fields[19]];
    return { startTime, ended: state === 'Z' || state === 'X' };
  } catch {
    return null;
  }
}

function inspectPs(pid: number): { startTime: string; ended: boolean } | null {
  const startTime = ps(pid, 'lstart=');
  const state = startTime && ps(pid, 'stat=');
  return startTime && state ? { startTime, ended: state.startsWith('Z') } : null;
}

function ps(pid: number, column: string): string | null {
  try {
    // The zone and the language are part of what is printed, and controller and runner may differ in both.
    const env = { PATH: process.env.PATH, TZ: 'UTC', LC_ALL: 'C' };
    return (
      execFileSync('ps', ['-o', column, '-p', String(pid)], {
        env,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim() || null
    );
  } catch {
    return null;
  }
}
