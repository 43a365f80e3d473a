import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { isAlive, type ProcessIdentity } from '../../../schemas/processes.ts';
import type { Launched } from './launch.ts';

const lookMs = 1_000;

/**
 * Starts the server again when it has ended by itself (out of memory, a person's kill): on the same port, because every
 * connection of the controller goes there. `end` gives it up and resolves to the process that is the server by then.
 */
export function keepRunning(options: { identity: ProcessIdentity; relaunch: () => Promise<Launched>; log: Logger }): {
  end(): Promise<ProcessIdentity>;
} {
  const { relaunch, log } = options;
  let { identity } = options;
  const ending = new AbortController();

  async function loop(): Promise<void> {
    for (;;) {
      await delay(lookMs, undefined, { ref: false, signal: ending.signal }).catch(() => {});
      if (ending.signal.aborted) return;
      if (isAlive(identity)) continue;
      const launched = await relaunch().catch((error: Error) => ({ failure: error.message }));
      if ('postmaster' in launched) {
        identity = launched.postmaster.identity;
        log.warn({ pid: identity.pid }, 'embedded Postgres had ended and was started again');
      } else {
        log.error({ output: launched.failure }, 'embedded Postgres has ended and does not start again; trying on');
      }
    }
  }

  const looping = loop();
  return {
    async end() {
      ending.abort();
      await looping;
      return identity;
    },
  };
}
