import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { isAlive, type ProcessIdentity, signalProcess } from '../../../schemas/processes.ts';

/**
 * Ends the server and waits for it. Fast: sessions are ended, everything is written. Immediate, when that takes longer than
 * `fastMs`: everybody out, and the next start recovers from the log. Returns after `immediateMs` more all the same.
 */
export async function stopServer(options: {
  identity: ProcessIdentity;
  log: Logger;
  fastMs?: number;
  immediateMs?: number;
}): Promise<void> {
  const { identity, log, fastMs = 15_000, immediateMs = 10_000 } = options;
  if (!signalProcess(identity, 'SIGINT') || (await ended(identity, fastMs))) return;
  log.warn({ pid: identity.pid }, `embedded Postgres has not ended in ${fastMs} ms; everybody out`);
  if (!signalProcess(identity, 'SIGQUIT') || (await ended(identity, immediateMs))) return;
  log.error({ pid: identity.pid }, `embedded Postgres does not end; the next start takes it over`);
}

async function ended(identity: ProcessIdentity, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (isAlive(identity)) {
    if (performance.now() > deadline) return false;
    await delay(10);
  }
  return true;
}
