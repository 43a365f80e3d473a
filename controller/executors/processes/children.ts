import type { ChildProcess } from 'node:child_process';
import { identifyProcess, isAlive, type ProcessIdentity, signalGroup } from '../../../schemas/processes.ts';

export type Child = {
  /** Null when it ended before it could be looked at. */
  readonly identity: ProcessIdentity | null;
  /** How it ended, in words; null while it lives. */
  ended: string | null;
};

/**
 * The processes that run attempts: those that this controller started, whose end the system tells, and those that an earlier
 * one started, which are looked at while there are any. `onEnd` is called when one of either kind has ended.
 */
export function createChildren(options: { onEnd: () => void; lookMs: number }) {
  const own = new Map<string, Child>();
  const adopted = new Map<string, ProcessIdentity>();
  let timer: NodeJS.Timeout | undefined;

  function lookAtAdopted(): void {
    for (const [attemptId, identity] of adopted) if (!isAlive(identity)) end(attemptId, identity);
    if (adopted.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  function end(attemptId: string, identity: ProcessIdentity | null): void {
    adopted.delete(attemptId);
    // What it started and left behind belongs to nobody any more.
    if (identity) signalGroup(identity, 'SIGKILL');
    options.onEnd();
  }

  return {
    get: (attemptId: string): Child | undefined => own.get(attemptId),
    add(attemptId: string, child: ChildProcess): void {
      const entry: Child = { identity: child.pid === undefined ? null : identifyProcess(child.pid), ended: null };
      own.set(attemptId, entry);
      child.once('exit', (code, signal) => {
        entry.ended = signal ? `signal ${signal}` : `exit code ${code}`;
        end(attemptId, entry.identity);
      });
    },
    /** Watches a process that this controller did not start. */
    adopt(attemptId: string, identity: ProcessIdentity): void {
      if (own.get(attemptId)?.identity?.pid === identity.pid || adopted.has(attemptId)) return;
      adopted.set(attemptId, identity);
      timer ??= setInterval(lookAtAdopted, options.lookMs).unref();
    },
    /** For attempts that are over and will not be asked about again. */
    forget(attemptId: string): void {
      if (own.get(attemptId)?.ended !== null) own.delete(attemptId);
    },
  };
}

export type Children = ReturnType<typeof createChildren>;
