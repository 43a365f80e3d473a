import type { Logger } from 'pino';
import type { TaskReport } from '../../../schemas/generated/types.ts';
import { isAlive, type ProcessIdentity } from '../../../schemas/processes.ts';
import { killGroup } from './end.ts';
import { attemptFolder, bar, readStarted } from './folder.ts';
import { type Context, forget, tidy } from './observe.ts';
import { findRunners } from './runners.ts';

export async function fence(attemptId: string, context: Context): Promise<TaskReport | null> {
  await bar(attemptFolder(context.home, attemptId));
  const { children } = context;
  const end = async (process: ProcessIdentity | null | undefined) => {
    if (process && children.mayEnd(process, attemptId)) await killGroup(process);
  };
  await end((await context.see(attemptId)).process);
  // Our own child may be another than the one that has begun: it would find that out by itself, but a little later.
  await end(children.get(attemptId)?.identity);
  const after = await context.see(attemptId);
  forget(attemptId, context);
  await tidy(after);
  return typeof after.report === 'string' ? null : after.report;
}

/** Runners of this home that work on none of these attempts are ended. */
export async function sweep(liveIds: readonly string[], { home, log }: { home: string; log: Logger }): Promise<void> {
  for (const { attemptId, identity } of await findRunners(home)) {
    // What it has begun tells for sure that it is a runner; its command line names the first attempt that it was given.
    if (!(await hasBegun(attemptId, identity, home))) continue;
    const begun = await Promise.all(liveIds.map((id) => hasBegun(id, identity, home)));
    if (begun.includes(true) || !isAlive(identity)) continue;
    log.warn({ attemptId, pid: identity.pid }, 'ending a process whose attempt is settled');
    await killGroup(identity);
  }
}

async function hasBegun(attemptId: string, { pid, startTime }: ProcessIdentity, home: string): Promise<boolean> {
  const started = await readStarted(attemptFolder(home, attemptId));
  return typeof started === 'object' && started.pid === pid && started.startTime === startTime;
}
