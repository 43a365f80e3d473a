import type { Logger } from 'pino';
import type { Executor, LaunchInput } from '../port.ts';
import { createChildren } from './children.ts';
import { createEnding } from './end.ts';
import { fence, sweep } from './fence.ts';
import { attemptFolder } from './folder.ts';
import { type LaunchOptions, startRunner } from './launch.ts';
import { tail } from './logs.ts';
import { look } from './look.ts';
import { type Context, observeOne } from './observe.ts';
import { createSilence } from './silence.ts';

export type ProcessesOptions = LaunchOptions & {
  /** A real path: it stands in the command lines of runners. */
  readonly home: string;
  readonly capacity: number;
  readonly log: Logger;
  /** How often a runner beats, as its order says. */
  readonly heartbeatMs: number;
  readonly silenceMs?: number;
  /** From SIGTERM to SIGKILL. */
  readonly graceMs?: number;
  /** How often processes are looked at that an earlier controller started. */
  readonly lookMs?: number;
  /** How long a process that has nothing to do waits for another attempt. */
  readonly idleMs?: number;
  /** Ms of a clock that only goes forward. */
  readonly clock?: () => number;
};

/** Runs attempts as child processes of this machine, which outlive the controller. Source: docs/architecture.md. */
export function createProcesses(options: ProcessesOptions): Executor {
  const { home, log, silenceMs = 60_000, clock = () => performance.now() } = options;
  const listeners: (() => void)[] = [];
  const onEnd = () => {
    for (const listener of listeners) listener();
  };
  const { capacity, lookMs = 500, idleMs = 5_000 } = options;
  const children = createChildren({ onEnd, lookMs, idleMs, most: capacity });
  const silence = createSilence({ silenceMs, largestGapMs: 2 * options.heartbeatMs });
  const see = (attemptId: string) => look({ home, attemptId, children });
  const ending = createEnding({ graceMs: options.graceMs ?? 10_000, mayEnd: children.mayEnd });
  const context: Context = { home, children, silence, ending, clock, see };
  return {
    capacity,
    launch: createLaunch(options, context),
    async observe(attemptIds) {
      return new Map(await Promise.all(attemptIds.map(async (id) => [id, await observeOne(id, context)] as const)));
    },
    async stop(attemptId) {
      const { process } = await see(attemptId);
      if (process) ending.stop(attemptId, process);
    },
    fence: (attemptId) => fence(attemptId, context),
    logs(attemptId, { follow, signal }) {
      const isOver = follow ? createIsOver(attemptId, context, silenceMs) : async () => true;
      return tail(attemptFolder(home, attemptId).log, { isOver, signal });
    },
    sweep: (liveIds) => sweep(liveIds, { home, log }),
    onChange: (listener) => listeners.push(listener),
    close: children.close,
  };
}

/** One launch of an attempt at a time: a claim that has expired may be launched again while the first is still at it. */
function createLaunch(options: LaunchOptions, { home, see, children }: Context): Executor['launch'] {
  const launching = new Map<string, Promise<void>>();

  async function launch(input: LaunchInput): Promise<void> {
    const { attemptId } = input.order;
    const { started, report } = await see(attemptId);
    if (started !== 'nobody' || report !== null || children.get(attemptId)) return;
    await startRunner(input, attemptFolder(home, attemptId), { ...options, children });
  }

  return (input) => {
    const { attemptId } = input.order;
    const running = launching.get(attemptId) ?? launch(input).finally(() => launching.delete(attemptId));
    launching.set(attemptId, running);
    return running;
  };
}

/** Whether nothing more will be written to the log of the attempt. One that nobody launches is waited for, but not for ever. */
function createIsOver(
  attemptId: string,
  { see, children, clock }: Context,
  patienceMs: number,
): () => Promise<boolean> {
  const deadline = clock() + patienceMs;
  return async () => {
    const { process, started } = await see(attemptId);
    if (process) return false;
    return started !== 'nobody' || children.get(attemptId) !== undefined || clock() > deadline;
  };
}
