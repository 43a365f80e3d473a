import { RefusedCommitError } from '../git/run.ts';
import type { Source } from '../git/source.ts';
import type { Sources } from '../git/sources.ts';
import { NotLeaderError } from '../store/leaders.ts';
import { transaction } from '../store/pool.ts';
import { recordFailure } from '../store/sources.ts';
import { queueRefusal } from './commit-status.ts';
import type { Wake } from './step.ts';
import { createLook, type Look } from './sync-look.ts';
import type { ApplyOptions } from './sync-source.ts';

const longestRetryMs = 30_000;

type Options = ApplyOptions & {
  readonly source: Source;
  readonly sources: Sources;
  readonly wake: Wake;
  /** What changes the catalog comes one after the other, since two sources may claim one name. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  readonly term?: () => number | undefined;
  /** These names are free from now on. */
  readonly onFree: (names: readonly string[]) => void;
  /** Of the same name: nothing begins before it has ended, since both may use one mirror. */
  readonly before: Promise<void> | undefined;
};

/** Reads one source again and again: now and then, and at hints. */
export type Reader = ReturnType<typeof createReader>;

export function createReader(options: Options) {
  const { source, sources, wake, onFree } = options;
  const look = createLook(options);
  const stop = new AbortController();
  const ended = untilEither(stop.signal);
  let dueAt = 0;
  let failures = 0;
  let running: Promise<void> | undefined;

  async function read(signal: AbortSignal): Promise<void> {
    await options.before;
    try {
      do {
        const applied = await look.pass(signal);
        if (applied) wake('intake', 'schedule', 'advance', 'admit', 'launch');
        if (applied && applied.retired.length > 0) onFree(applied.retired);
      } while (!signal.aborted && sources.takeHint(source.name));
      failures = 0;
      dueAt = performance.now() + source.everyMs;
    } catch (error) {
      // Who stopped it knows, and who leads by now goes on.
      if (signal.aborted || error instanceof NotLeaderError) return;
      failures += 1;
      const retryInMs = Math.min(longestRetryMs, 100 * 2 ** failures);
      dueAt = performance.now() + retryInMs;
      await tellFailure(options, look, error as Error, { failures, retryInMs });
    }
  }

  return {
    source,
    /** Begins to read when it is time for it. Returns in how many ms to ask again; undefined while it is being read. */
    begin(signal: AbortSignal): number | undefined {
      if (running !== undefined) return undefined;
      if (source.suspended) return Number.POSITIVE_INFINITY;
      const left = dueAt - performance.now();
      if (!sources.takeHint(source.name) && left > 0) return left;
      running = read(ended(signal)).finally(() => {
        running = undefined;
        if (source.status) wake('announce');
      });
      return undefined;
    },
    /** Applies again what it reads next when it wants one of these names. */
    offer(names: readonly string[]): void {
      if (look.forgetIfTaken(names)) sources.hint(source.name);
    },
    stop: () => stop.abort(),
    ended: async () => void (await running),
  };
}

/** The signal of a step is the same for ever, and every further one that is made of it would take memory for as long. */
function untilEither(stop: AbortSignal): (signal: AbortSignal) => AbortSignal {
  let last: { readonly of: AbortSignal; readonly signal: AbortSignal } | undefined;
  return (signal) => {
    if (last?.of !== signal) last = { of: signal, signal: AbortSignal.any([signal, stop]) };
    return last.signal;
  };
}

async function tellFailure(
  { source, pool, log, assertOwner }: Options,
  look: Look,
  err: Error,
  facts: { failures: number; retryInMs: number },
): Promise<void> {
  const known = { source: source.name, err, ...facts };
  if (!look.isReadError(err)) {
    log.warn(known, 'source could not be applied, it will be tried again');
    return;
  }
  log.warn(known, 'source could not be read, what is synced goes on');
  try {
    await transaction(pool, async (db) => {
      await assertOwner?.(db);
      await recordFailure(db, source.name, err.message);
      if (source.status && err instanceof RefusedCommitError) await queueRefusal(db, source, err);
    });
  } catch (error) {
    if (!(error instanceof NotLeaderError)) log.warn({ source: source.name, err: error }, 'its failure was not kept');
  }
}
