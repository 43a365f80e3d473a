import type { Source } from '../git/source.ts';
import type { Sources } from '../git/sources.ts';
import { transaction } from '../store/pool.ts';
import { declareSources } from '../store/sources.ts';
import { done, type Step, type Wake } from './step.ts';
import { createReader, type Reader } from './sync-reader.ts';
import { type ApplyOptions, retireSources } from './sync-source.ts';

/** While a source is read, nobody knows what comes next. */
const soonMs = 500;

export type SyncOptions = ApplyOptions & {
  readonly sources: Sources;
  readonly wake: Wake;
  /** Among replicas: another one for each time that this one began to own the sources. */
  readonly term?: () => number | undefined;
};

/**
 * Sources → catalog. A pass begins to read those that are due or were hinted at, and waits for none of them: one that hangs or fails
 * delays no other.
 */
export function createSync(options: SyncOptions): Step {
  const { sources, wake } = options;
  const readers = new Map<string, Reader>();
  const inTurn = createTurns();
  const declare = createDeclare({ ...options, inTurn });

  /** Who wanted a name that is free now takes it without a new commit. */
  function onFree(names: readonly string[]): void {
    for (const reader of readers.values()) reader.offer(names);
    wake('advance');
  }

  /** One reader for each source there is. */
  function follow(current: readonly Source[]): void {
    const gone = [...readers.values()].filter(({ source }) => !current.includes(source));
    for (const reader of gone) reader.stop();
    for (const { source } of gone) readers.delete(source.name);
    for (const source of current) {
      if (readers.has(source.name)) continue;
      const before = gone.find((reader) => reader.source.name === source.name)?.ended();
      readers.set(source.name, createReader({ ...options, source, inTurn, onFree, before }));
    }
  }

  return {
    name: 'sync',
    everyMs: 60_000,
    async pass(signal) {
      const current = sources.current();
      follow(current);
      const free = await declare(current);
      if (free.length > 0) onFree(free);
      const waits = [...readers.values()].map((reader) => reader.begin(signal) ?? soonMs);
      return done(Math.min(...waits));
    },
    finish: async () => void (await Promise.all([...readers.values()].map((reader) => reader.ended()))),
  };
}

/** Writes which sources there are when that has changed, and retires those that are gone. Gives the names of their pipelines. */
function createDeclare(options: SyncOptions & { inTurn: Turns }): (current: readonly Source[]) => Promise<string[]> {
  const { sources, pool, assertOwner, inTurn } = options;
  let last: string | null = null;
  return async (current) => {
    const complete = sources.complete();
    const rows = current.map(({ name, kind, location, ref, path, environment = null, suspended, prune }) => {
      return { name, kind, location, ref, path, environment, suspended, prune };
    });
    const key = JSON.stringify([rows, complete, options.term?.()]);
    if (key === last) return [];
    const free = await inTurn(() =>
      transaction(pool, async (db) => {
        await assertOwner?.(db);
        return retireSources(db, await declareSources(db, rows, complete));
      }),
    );
    last = key;
    return free;
  };
}

type Turns = <T>(work: () => Promise<T>) => Promise<T>;

/** One after the other. */
function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
  };
}
