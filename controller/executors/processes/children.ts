import type { ChildProcess } from 'node:child_process';
import { isAlive, type ProcessIdentity, signalGroup } from '../../../schemas/processes.ts';
import { type Child, createOwnRunners } from './own-runners.ts';

export type ChildrenOptions = {
  /** Called when an attempt may have ended. */
  readonly onEnd: () => void;
  /** How often processes are looked at that an earlier controller started. */
  readonly lookMs: number;
  readonly most: number;
  readonly idleMs: number;
};

/**
 * The processes that run attempts: those that this controller started, and those that an earlier one started, which end with the
 * attempt that they have in hand and are looked at while there are any.
 */
export function createChildren({ onEnd, lookMs, most, idleMs }: ChildrenOptions) {
  const children = new Map<string, Child>();
  const onExit = (identity: ProcessIdentity | null) => {
    // What it started and left behind belongs to nobody any more.
    if (identity) signalGroup(identity, 'SIGKILL');
    onEnd();
  };
  const own = createOwnRunners({ most, idleMs, onFree: onEnd, onExit });
  const adopted = createAdopted(lookMs, onExit);

  return {
    get: (attemptId: string): Child | undefined => children.get(attemptId),
    /** Takes care of a process that was started for the attempt. `key` is what other attempts must share to be given to it. */
    add(attemptId: string, key: string, process: ChildProcess): void {
      children.set(attemptId, own.add(attemptId, key, process));
    },
    /** Gives the attempt to a process that is free; false when there is none with this key. */
    give(attemptId: string, key: string, folder: string): boolean {
      const child = own.give(attemptId, key, folder);
      if (child) children.set(attemptId, child);
      return child !== null;
    },
    /** Whether the process has put the attempt down and gone on. */
    isElsewhere(identity: ProcessIdentity, attemptId: string): boolean {
      const runner = own.find(identity);
      return runner !== undefined && runner.hand?.attemptId !== attemptId;
    },
    /**
     * To be asked right before a process is signalled for the sake of an attempt: false when that would hit another one. From then
     * on it is given none.
     */
    mayEnd(identity: ProcessIdentity, attemptId: string): boolean {
      const runner = own.find(identity);
      if (!runner) return true;
      if (runner.hand?.attemptId !== attemptId) return false;
      runner.leaving = true;
      return true;
    },
    /** Watches a process that this controller did not start. */
    adopt(identity: ProcessIdentity): void {
      if (!own.find(identity)) adopted.add(identity);
    },
    close: (): Promise<void> => own.close(),
    /** For attempts whose files tell that they are over. */
    forget: (attemptId: string) => void children.delete(attemptId),
  };
}

export type Children = ReturnType<typeof createChildren>;

/** Processes whose end the system does not tell. */
function createAdopted(lookMs: number, onExit: (identity: ProcessIdentity) => void) {
  const adopted = new Map<string, ProcessIdentity>();
  let timer: NodeJS.Timeout | undefined;

  function look(): void {
    for (const [key, identity] of adopted) {
      if (isAlive(identity)) continue;
      adopted.delete(key);
      onExit(identity);
    }
    if (adopted.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  return {
    add(identity: ProcessIdentity): void {
      adopted.set(`${identity.pid} ${identity.startTime}`, identity);
      timer ??= setInterval(look, lookMs).unref();
    },
  };
}
