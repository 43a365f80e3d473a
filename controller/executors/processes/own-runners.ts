import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { identifyProcess, type ProcessIdentity } from '../../../schemas/processes.ts';

/** How long a process that is free may take to end. */
const endMs = 2_000;

/** An attempt in the hand of a process that this controller started. */
export type Child = {
  readonly attemptId: string;
  /** Null when the process ended before it could be looked at. */
  readonly identity: ProcessIdentity | null;
  /** How it ended, in words; null while the process has it in hand. */
  ended: string | null;
};

type Runner = {
  readonly process: ChildProcess;
  readonly identity: ProcessIdentity | null;
  /** What an attempt must have in common with its first one to be given to it. */
  readonly key: string;
  /** Null while it is free. */
  hand: Child | null;
  /** It gets no further attempt. */
  leaving: boolean;
  idle: NodeJS.Timeout | undefined;
};

export type OwnRunnersOptions = {
  /** How many there may be before free ones have to make room for new ones. */
  readonly most: number;
  /** How long one stays free before it is let go. */
  readonly idleMs: number;
  /** An attempt may have ended. */
  readonly onFree: () => void;
  readonly onExit: (identity: ProcessIdentity | null) => void;
};

/** The processes that this controller started. Each runs attempts one after another, and tells by a message when it is free. */
export function createOwnRunners(options: OwnRunnersOptions) {
  const runners = new Set<Runner>();
  const free = (key?: string) => [...runners].filter((each) => isFree(each) && (key === undefined || each.key === key));
  return {
    /** Takes care of a process that was started for an attempt. Free ones make room for it. */
    add(attemptId: string, key: string, process: ChildProcess): Child {
      for (const runner of free().slice(0, Math.max(0, runners.size + 1 - options.most))) letGo(runner);
      const identity = process.pid === undefined ? null : identifyProcess(process.pid);
      const runner: Runner = { process, identity, key, hand: null, leaving: false, idle: undefined };
      runners.add(runner);
      process.on('message', () => putDown(runner, options));
      process.once('exit', (code, signal) => {
        runners.delete(runner);
        emptyHand(runner, signal ? `signal ${signal}` : `exit code ${code}`);
        options.onExit(identity);
      });
      // Neither of them keeps a controller that wants to end.
      process.unref();
      process.channel?.unref();
      return take(runner, attemptId);
    },
    /** Gives the attempt to a free process with this key; null when there is none. */
    give(attemptId: string, key: string, folder: string): Child | null {
      const [runner] = free(key);
      if (!runner) return null;
      // One that does not get it has ended, and its exit is heard of.
      runner.process.send(folder, () => {});
      return take(runner, attemptId);
    },
    /** Resolves when all that were free have ended; none of those at work is waited for. */
    async close(): Promise<void> {
      await Promise.all([...runners].filter(({ hand }) => hand === null).map(end));
    },
    find: (identity: ProcessIdentity): Pick<Runner, 'hand' | 'leaving'> | undefined =>
      [...runners].find(
        (each) => each.identity?.pid === identity.pid && each.identity.startTime === identity.startTime,
      ),
  };
}

function isFree({ hand, leaving, process }: Runner): boolean {
  return hand === null && !leaving && process.connected;
}

function take(runner: Runner, attemptId: string): Child {
  clearTimeout(runner.idle);
  runner.hand = { attemptId, identity: runner.identity, ended: null };
  return runner.hand;
}

function putDown(runner: Runner, { idleMs, onFree }: OwnRunnersOptions): void {
  emptyHand(runner, 'it said that it was over');
  if (runner.leaving) letGo(runner);
  else runner.idle = setTimeout(() => letGo(runner), idleMs).unref();
  onFree();
}

function emptyHand(runner: Runner, ended: string): void {
  clearTimeout(runner.idle);
  if (runner.hand) runner.hand.ended = ended;
  runner.hand = null;
}

/** A process that does not end would have to be told otherwise, and there is nothing in it that anybody needs. */
async function end(runner: Runner): Promise<void> {
  const exit = once(runner.process, 'exit', { signal: AbortSignal.timeout(endMs) });
  runner.process.ref();
  letGo(runner);
  await exit.catch(() => runner.process.kill('SIGKILL'));
}

/** It ends by itself when nobody is connected to it any more. */
function letGo(runner: Runner): void {
  runner.leaving = true;
  if (runner.process.connected) runner.process.disconnect();
}
