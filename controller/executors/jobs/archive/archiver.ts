import type { Logger } from 'pino';
import type { Cache } from '../cache.ts';
import type { Sight } from '../judge.ts';
import { attemptOf } from '../labels.ts';
import { type CarryOutOptions, carryOut } from './carry-out.ts';
import { type Move, nextMove } from './next-move.ts';
import type { LogState } from './port.ts';
import { sourcesOf } from './sources.ts';

export type Archiver = {
  /** Looks once at all attempts, and begins what there is to do for their logs; returns while that goes on. */
  pass(): Promise<void>;
  /** Leaves everything where it is: another replica goes on from there. */
  rest(): void;
};

export type ArchiverOptions = Omit<CarryOutOptions, 'everyMs'> & {
  readonly cache: Cache;
  /** Called when something was done and the next thing may begin. */
  readonly onDone: () => void;
  readonly log: Logger;
  readonly everyMs?: number;
  /** How many logs are followed at once; of others what they wrote is read when they have ended. */
  readonly maxStreams?: number;
  readonly maxReads?: number;
  readonly followAfterMs?: number;
  readonly giveUpMs?: number;
  /** How long the log of a container that has ended may still be followed. */
  readonly hangMs?: number;
};

type Work = {
  readonly move: Exclude<Move, { kind: 'wait' }>;
  readonly stop: AbortController;
  /** Since when there is nothing to follow any more. */
  overSince: number | null;
};
/** How often it has failed, and when it is tried again. */
type Trouble = { readonly count: number; readonly until: number };
const longestWaitMs = 60_000;
const pauseMs = 1_000;

/**
 * Keeps the logs of the attempts of one ledger, and lets their Jobs go once that is done. Of two archivers that work at once one
 * is superfluous and does no harm.
 */
export function createArchiver(options: ArchiverOptions): Archiver {
  const { cache, archive, onDone, signal, log } = options;
  const { everyMs = 5_000, maxStreams = 64, maxReads = 16, followAfterMs = 2_000 } = options;
  const { giveUpMs = 600_000, hangMs = 10_000 } = options;
  const working = new Map<string, Work>();
  const troubles = new Map<string, Trouble>();
  /** Their Jobs go; the watch has not shown it yet. */
  const released = new Set<string>();

  function begin(attemptId: string, move: Work['move'], known: { sight: Sight; state: LogState | null }): void {
    const stop = new AbortController();
    if (move.kind === 'close' && move.incomplete) log.warn({ attempt: attemptId }, 'the rest of a log is given up');
    working.set(attemptId, { move, stop, overSince: null });
    carryOut(attemptId, move, known, { ...options, everyMs, signal: AbortSignal.any([signal, stop.signal]) })
      .then(() => {
        // Where a node ends every log at once, it must not be asked without a pause.
        if (move.kind === 'follow') troubles.set(attemptId, { count: 0, until: performance.now() + pauseMs });
        else troubles.delete(attemptId);
        if (move.kind === 'close') released.add(attemptId);
      })
      .catch((error) => {
        if (stop.signal.aborted || signal.aborted) return;
        const count = (troubles.get(attemptId)?.count ?? 0) + 1;
        troubles.set(attemptId, { count, until: performance.now() + Math.min(longestWaitMs, 500 * 2 ** count) });
        log.debug({ err: error, attempt: attemptId, failures: count }, 'a log could not be kept yet; tried again');
      })
      .finally(() => {
        working.delete(attemptId);
        if (!signal.aborted) onDone();
      });
  }

  function isFree(move: Work['move']): boolean {
    const isFollow = move.kind === 'follow';
    const inUse = [...working.values()].filter((one) => (one.move.kind === 'follow') === isFollow).length;
    // The log of a pod that is being deleted cannot be read later.
    return isFollow ? inUse < maxStreams || move.source.isLeaving : inUse < maxReads;
  }

  return {
    async pass() {
      const open = openLogs(cache);
      forget(open, released, troubles);
      for (const [id, work] of working) endHanging(work, open.get(id), hangMs);
      const idle = [...open].filter(([id]) => !working.has(id) && !released.has(id) && isDue(troubles.get(id)));
      const states = await archive.states(idle.map(([id]) => id));
      const now = Date.now();
      for (const [id, sight] of idle) {
        const state = states.get(id) ?? null;
        const hasFailed = (troubles.get(id)?.count ?? 0) > 0;
        const move = nextMove(sight, state, { now, followAfterMs, giveUpMs, hasFailed });
        if (move.kind !== 'wait' && isFree(move)) begin(id, move, { sight, state });
      }
    },
    rest() {
      for (const { stop } of working.values()) stop.abort();
    },
  };
}

/** Attempts whose Jobs nobody has let go. */
function openLogs(cache: Cache): Map<string, Sight> {
  const open = new Map<string, Sight>();
  for (const sight of cache.all()) {
    const attemptId = attemptOf(sight.job ?? (sight.pods[0] as Sight['pods'][0]));
    if (attemptId !== undefined && sight.job?.spec?.ttlSecondsAfterFinished === undefined) open.set(attemptId, sight);
  }
  return open;
}

function forget(open: ReadonlyMap<string, Sight>, released: Set<string>, troubles: Map<string, Trouble>): void {
  for (const id of released) if (!open.has(id)) released.delete(id);
  for (const id of troubles.keys()) if (!open.has(id)) troubles.delete(id);
}

function isDue(trouble: Trouble | undefined): boolean {
  return trouble === undefined || performance.now() >= trouble.until;
}

/** Where a node is cut off, nobody says that the log of its container has ended. */
function endHanging(work: Work, sight: Sight | undefined, hangMs: number): void {
  const { move, stop } = work;
  if (move.kind !== 'follow') return;
  const sources = sourcesOf(sight?.pods ?? []);
  const isOn = sources.some(({ name, state }) => name === move.source.name && state === 'running');
  work.overSince = isOn ? null : (work.overSince ?? performance.now());
  if (work.overSince !== null && performance.now() - work.overSince > hangMs) stop.abort();
}
