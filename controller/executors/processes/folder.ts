import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessIdentity } from '../../../schemas/processes.ts';

/** The files by which executor and runner speak: `<home>/attempts/<attempt id>/`. */
export type AttemptFolder = {
  readonly path: string;
  /** TaskOrder; written before the runner is started. */
  readonly order: string;
  /** Who has begun the attempt; whoever creates it decides that, once. */
  readonly started: string;
  /** A counter that the runner rewrites while it lives. */
  readonly beat: string;
  /** Standard output and error of the runner. */
  readonly log: string;
  /** TaskReport; it is there whole or not at all. */
  readonly report: string;
  /** The runner's working folder. */
  readonly scratch: string;
};

/** `barred`: nobody may begin it any more. `unclear`: whoever made the file was cut off with the whole machine. */
export type Started = 'nobody' | 'barred' | 'unclear' | ProcessIdentity;

export function attemptFolder(home: string, attemptId: string): AttemptFolder {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(attemptId))
    throw new Error(`attempt "${attemptId}": its id is no file name`);
  const path = join(attemptsFolder(home), attemptId);
  const file = (name: string) => join(path, name);
  return {
    path,
    order: file('order.json'),
    started: file('started'),
    beat: file('beat'),
    log: file('log'),
    report: file('report.json'),
    scratch: file('scratch'),
  };
}

export function attemptsFolder(home: string): string {
  return join(home, 'attempts');
}

export async function readStarted(folder: AttemptFolder): Promise<Started> {
  const text = await readIfThere(folder.started);
  if (text === null) return 'nobody';
  try {
    const { barred, pid, startTime } = JSON.parse(text);
    if (barred === true) return 'barred';
    return Number.isSafeInteger(pid) && typeof startTime === 'string' ? { pid, startTime } : 'unclear';
  } catch {
    return 'unclear';
  }
}

/** Makes sure that no runner can begin the attempt after this. Harmless when one has begun it already. */
export async function bar(folder: AttemptFolder): Promise<void> {
  await mkdir(folder.path, { recursive: true, mode: 0o700 });
  const draft = join(folder.path, `started.${randomBytes(4).toString('hex')}.new`);
  await writeFile(draft, JSON.stringify({ barred: true }), { mode: 0o600 });
  try {
    // Exclusive like the runner's own creation of the file, and never half written.
    await link(draft, folder.started);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** The last lines of a log, at most `characters` of them. */
export async function readTail(path: string, characters: number): Promise<string> {
  const handle = await open(path).catch(() => null);
  if (!handle) return '';
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, characters);
    const { buffer } = await handle.read(Buffer.alloc(length), { position: size - length });
    return buffer.toString('utf8').trim();
  } finally {
    await handle.close();
  }
}

/** Whole, or not there: a reader never sees half of it. With `flush` that holds after a power cut, too. */
export async function replaceFile(
  path: string,
  content: string | Buffer,
  { flush }: { flush: boolean },
): Promise<void> {
  const draft = `${path}.${randomBytes(4).toString('hex')}.new`;
  await writeFile(draft, content, { mode: 0o600, flush });
  await rename(draft, path);
}
