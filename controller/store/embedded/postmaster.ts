import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { commandLine, identifyProcess, type ProcessIdentity } from '../../../schemas/processes.ts';
import type { Layout } from './layout.ts';

export type Postmaster = {
  readonly identity: ProcessIdentity;
  readonly port: number;
  readonly status: 'starting' | 'ready' | 'stopping';
};

/**
 * The server that runs on this data folder, whoever started it. `postmaster.pid` names it; that file outlives a crash, and
 * its number may meanwhile belong to any process, so a process counts only when its command line names the folder.
 */
export function findPostmaster(layout: Layout): Postmaster | null {
  const path = join(layout.data, 'postmaster.pid');
  const lines = readLines(path);
  const identity = lines && identifyProcess(Number(lines[0]));
  if (!lines || !identity) return null;
  if (!commandLine(identity.pid)?.includes(layout.data)) {
    // Postgres itself would take the stranger for a server and refuse. Its other guard, the shared memory that is bound to
    // the folder, still stands: should a server be left after all, a second one does not start.
    rmSync(path, { force: true });
    return null;
  }
  const word = lines[7]?.trim();
  return { identity, port: Number(lines[3]), status: word === 'ready' || word === 'stopping' ? word : 'starting' };
}

function readLines(path: string): string[] | null {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
