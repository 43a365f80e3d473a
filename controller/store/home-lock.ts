import { randomBytes } from 'node:crypto';
import { link, readdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { identifyProcess, isAlive, type ProcessIdentity } from '../../schemas/processes.ts';

const prefix = 'controller.lock.';

/**
 * Makes this process the one that holds `home`; throws when another process that lives holds it.
 *
 * The holders are files `controller.lock.1`, `.2`, … with the holder's identity, and the highest number holds. A file is made by
 * link(2), complete and only if its number is free; it is removed only by a holder of a higher one. So the highest never
 * disappears, and who finds it dead and makes the next one either is the holder, or sees a still higher one right afterwards
 * (made while it slept between the two) and steps back. Removing a dead holder's only file instead would let two starters
 * each remove the other's.
 */
export async function lockHome(home: string): Promise<{ release(): Promise<void> }> {
  const own = identifyProcess(process.pid);
  if (!own) throw new Error(`home "${home}": this process cannot be identified; is /proc mounted?`);
  const draft = join(home, `${prefix}new-${randomBytes(6).toString('hex')}`);
  await writeFile(draft, JSON.stringify(own), { mode: 0o600 });
  try {
    for (;;) {
      const highest = await readHighest(home);
      if (highest.holder) throw heldBy(home, highest.holder);
      const number = highest.number + 1;
      if (!(await claim(draft, join(home, prefix + number)))) continue;
      if ((await readHighest(home)).number > number) {
        await removeFile(join(home, prefix + number));
        continue;
      }
      await removeBelow(home, number);
      return { release: () => release(home, number) };
    }
  } finally {
    await removeFile(draft);
  }
}

/** The highest number that was ever taken (0: none), and its holder if it lives. */
async function readHighest(home: string): Promise<{ number: number; holder: ProcessIdentity | null }> {
  const number = Math.max(0, ...(await numbers(home)));
  if (number === 0) return { number, holder: null };
  try {
    const { pid, startTime } = JSON.parse(await readFile(join(home, prefix + number), 'utf8'));
    const holder = { pid, startTime };
    return { number, holder: isAlive(holder) ? holder : null };
  } catch (error) {
    // It was removed meanwhile, by the holder of a higher one: look again.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return readHighest(home);
    // A power cut can leave an empty file; nobody who lives wrote it.
    if (error instanceof SyntaxError) return { number, holder: null };
    throw error;
  }
}

async function numbers(home: string): Promise<number[]> {
  const names = (await readdir(home)).filter((name) => name.startsWith(prefix));
  return names.map((name) => Number(name.slice(prefix.length))).filter(Number.isInteger);
}

async function claim(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function removeBelow(home: string, number: number): Promise<void> {
  for (const lower of await numbers(home)) if (lower < number) await removeFile(join(home, prefix + lower));
}

/** Replaced and not removed: the highest number must never disappear. */
async function release(home: string, number: number): Promise<void> {
  const draft = join(home, `${prefix}new-${randomBytes(6).toString('hex')}`);
  await writeFile(draft, JSON.stringify({ released: true }), { mode: 0o600 });
  await rename(draft, join(home, prefix + number));
}

async function removeFile(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

function heldBy(home: string, { pid }: ProcessIdentity): Error {
  return new Error(
    `home "${home}": another controller (process ${pid}) is using it; stop that one, or choose another folder with --home`,
  );
}
