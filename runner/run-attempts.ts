import { flushCompileCache } from 'node:module';
import type { Failpoint } from '../schemas/failpoints.ts';
import { type Attempt, openAttempt } from './attempt.ts';
import { runAttempt } from './run-attempt.ts';

/**
 * Runs the attempt that this process has begun and then, as long as it is as good as new and its controller is there, those that
 * it is given. Ends the process.
 */
export async function runAttempts(first: Attempt, failpoint: Failpoint): Promise<never> {
  let attempt: Attempt | null = first;
  for (let count = 1; attempt !== null; count++) {
    const isFree = await runAttempt({ attempt, count, failpoint });
    attempt = isFree ? await nextAttempt(failpoint) : null;
  }
  // Sockets and threads may still be there; what had to be kept is kept.
  process.exit();
}

/** Null when there is none for this process: its controller has let it go, or has ended, or somebody else has begun the attempt. */
async function nextAttempt(failpoint: Failpoint): Promise<Attempt | null> {
  const folder = await askForNext();
  if (folder === null) return null;
  const attempt = openAttempt(folder);
  attempt.takeLog();
  failpoint('runner.before-started');
  if (!attempt.begin()) return null;
  failpoint('runner.after-started');
  return attempt;
}

/** Says that this process is free; resolves with the folder of another attempt, or null when its controller is gone. */
function askForNext(): Promise<string | null> {
  // What it has compiled would else be written at its end, when its controller, and perhaps its home, are gone.
  flushCompileCache();
  // The folder that it stood in is gone.
  process.chdir('/');
  return new Promise((resolve) => {
    const settle = (folder: string | null) => {
      process.removeAllListeners('message').removeAllListeners('disconnect');
      resolve(folder);
    };
    process.on('message', (folder) => settle(String(folder)));
    process.on('disconnect', () => settle(null));
    // A controller that is gone already is told of by `disconnect`, or has been before.
    if (process.connected) process.send?.('free', () => {});
    else settle(null);
  });
}
