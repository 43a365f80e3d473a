import { setTimeout as delay } from 'node:timers/promises';
import { isAlive, type ProcessIdentity, signalGroup } from '../../../schemas/processes.ts';

/** A process that the kernel cannot end (a dead disk) must not hang the controller. */
const killMs = 30_000;

/** SIGTERM to the group, SIGKILL after `graceMs`; a call while one is on its way changes nothing. */
export function createStopping(graceMs: number) {
  const stopping = new Set<string>();
  return (attemptId: string, leader: ProcessIdentity): void => {
    if (stopping.has(attemptId)) return;
    stopping.add(attemptId);
    signalGroup(leader, 'SIGTERM');
    const kill = () => {
      stopping.delete(attemptId);
      if (isAlive(leader)) signalGroup(leader, 'SIGKILL');
    };
    setTimeout(kill, graceMs).unref();
  };
}

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
