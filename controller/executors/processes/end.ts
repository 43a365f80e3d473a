import { setTimeout as delay } from 'node:timers/promises';
import { isAlive, type ProcessIdentity, signalGroup } from '../../../schemas/processes.ts';

/** A process that the kernel cannot end (a dead disk) must not hang the controller. */
const killMs = 30_000;

/** Whether a process may be signalled for the sake of an attempt, at this moment. */
export type MayEnd = (leader: ProcessIdentity, attemptId: string) => boolean;

/** Ends processes in their time. A call for an attempt whose end is on its way changes nothing. */
export function createEnding({ graceMs, mayEnd }: { graceMs: number; mayEnd: MayEnd }) {
  const ending = new Set<string>();

  function killLater(attemptId: string, leader: ProcessIdentity): void {
    ending.add(attemptId);
    const kill = () => {
      ending.delete(attemptId);
      if (isAlive(leader) && mayEnd(leader, attemptId)) signalGroup(leader, 'SIGKILL');
    };
    setTimeout(kill, graceMs).unref();
  }

  return {
    /** SIGTERM to the group, SIGKILL after the grace. */
    stop(attemptId: string, leader: ProcessIdentity): void {
      if (ending.has(attemptId) || !mayEnd(leader, attemptId)) return;
      killLater(attemptId, leader);
      signalGroup(leader, 'SIGTERM');
    },
    /** For a runner that has reported: it ends by itself, or after the grace. */
    expectEnd(attemptId: string, leader: ProcessIdentity): void {
      if (!ending.has(attemptId)) killLater(attemptId, leader);
    },
  };
}

export type Ending = ReturnType<typeof createEnding>;

/**
 * SIGKILL to the group; resolves when its leader has ended. Nothing happens when it has ended before: then the group was
 * dealt with, or its number is somebody else's.
 */
export async function killGroup(leader: ProcessIdentity): Promise<void> {
  const deadline = performance.now() + killMs;
  if (isAlive(leader)) signalGroup(leader, 'SIGKILL');
  while (isAlive(leader)) {
    if (performance.now() > deadline)
      throw new Error(`process ${leader.pid} does not end although it was killed ${killMs / 1000} s ago`);
    await delay(5);
  }
}
