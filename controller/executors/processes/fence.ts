import type { Logger } from 'pino';
import type { TaskReport } from '../../../schemas/generated/types.ts';
import { isAlive } from '../../../schemas/processes.ts';
import { killGroup } from './end.ts';
import { attemptFolder, bar, readStarted } from './folder.ts';
import { type Context, forget } from './observe.ts';
import { findRunners } from './runners.ts';

export async function fence(attemptId: string, context: Context): Promise<TaskReport | null> {
  await bar(attemptFolder(context.home, attemptId));
  const { process } = await context.see(attemptId);
  if (process) await killGroup(process);
  // Our own child may be another than the one that has begun: it would find that out by itself, but a little later.
  const own = context.children.get(attemptId)?.identity;
  if (own) await killGroup(own);
  const after = await context.see(attemptId);
  await forget(attemptId, after, context);
  return typeof after.report === 'string' ? null : after.report;
}

export async function sweep(liveIds: readonly string[], { home, log }: { home: string; log: Logger }): Promise<void> {
  const live = new Set(liveIds);
  for (const { attemptId, identity } of await findRunners(home)) {
    if (live.has(attemptId)) continue;
    const started = await readStarted(attemptFolder(home, attemptId));
    if (typeof started !== 'object' || started.pid !== identity.pid || !isAlive(started)) continue;
    log.warn({ attemptId, pid: started.pid }, 'ending a process whose attempt is settled');
    await killGroup(started);
  }
}
