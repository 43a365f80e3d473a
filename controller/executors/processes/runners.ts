import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { commandLine, identifyProcess, type ProcessIdentity } from '../../../schemas/processes.ts';
import { attemptsFolder } from './folder.ts';

export type FoundRunner = { readonly attemptId: string; readonly identity: ProcessIdentity };

/** Every process of this machine whose command line ends with the folder of an attempt of this home, as a runner's does. */
export async function findRunners(home: string): Promise<FoundRunner[]> {
  const prefix = `${attemptsFolder(home)}/`;
  const found: FoundRunner[] = [];
  for (const { pid, command } of await processes()) {
    const at = command.lastIndexOf(prefix);
    const attemptId = at < 0 ? '' : command.slice(at + prefix.length);
    const identity = /^[A-Za-z0-9._-]+$/.test(attemptId) ? identifyProcess(pid) : null;
    if (identity) found.push({ attemptId, identity });
  }
  return found;
}

async function processes(): Promise<{ pid: number; command: string }[]> {
  if (process.platform === 'linux') {
    const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger);
    return pids.map((pid) => ({ pid, command: commandLine(pid) ?? '' }));
  }
  const { stdout } = await promisify(execFile)('ps', ['-axo', 'pid=,command='], { maxBuffer: 64 * 1024 * 1024 });
  return stdout.split('\n').map((line) => ({ pid: Number.parseInt(line, 10), command: line }));
}
