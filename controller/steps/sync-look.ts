import type { Source, SourceRead } from '../git/source.ts';
import { type Compilation, createCompiler } from '../manifests/compile.ts';
import { lockSource } from '../store/catalog.ts';
import { transaction } from '../store/pool.ts';
import { recordRevision } from '../store/sources.ts';
import { queueSameStatus } from './commit-status.ts';
import { inSlices } from './in-slices.ts';
import { type Applied, type ApplyOptions, applySource } from './sync-source.ts';

type Options = ApplyOptions & {
  readonly source: Source;
  /** What changes the catalog comes one after the other. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  readonly term?: () => number | undefined;
};

/** One source's looks, with what it remembers from one to the next. */
export type Look = ReturnType<typeof createLook>;

export function createLook(options: Options) {
  const { source, pool, assertOwner, inTurn, failpoint } = options;
  const compile = createCompile(options);
  let last: { readonly digest: string; readonly revision: string; readonly term: number | undefined } | null = null;
  let taken: readonly string[] = [];
  let unread: unknown = null;
  let again = false;

  async function read(signal: AbortSignal): Promise<SourceRead> {
    failpoint('sync.before-read');
    try {
      return await source.read(signal);
    } catch (error) {
      unread = error;
      throw error;
    }
  }

  /** The same manifests as before. */
  async function renew(found: SourceRead): Promise<void> {
    if (found.revision === last?.revision && unread === null) return;
    await transaction(pool, async (db) => {
      await assertOwner?.(db);
      const { id } = await lockSource(db, source);
      await recordRevision(db, id, found);
      if (source.status) await queueSameStatus(db, id, found.revision);
    });
  }

  return {
    /** Reads the source, and applies it when it says something new; null when not. */
    async pass(signal: AbortSignal): Promise<Applied | null> {
      const found = await read(signal);
      // Up to the commit of the transaction nothing is left but a newer mirror, which the next look finds.
      failpoint('sync.after-read');
      // Outside of its turn: what takes a large source seconds keeps no other one waiting.
      const compiled = found.digest === last?.digest ? null : await compile(found, signal);
      failpoint('sync.after-compile');
      return inTurn(async () => {
        signal.throwIfAborted();
        const term = options.term?.();
        const { digest, revision } = found;
        // Another replica may have synced meanwhile, with another folder or another policy.
        const isSame = digest === last?.digest && term === last.term && !again;
        again = false;
        // Should it fail, it is new the next time too.
        if (!isSame) last = null;
        const applied = isSame
          ? await renew(found)
          : await applySource(options, source, found, compiled ?? (await compile(found, signal)));
        last = { digest, revision, term };
        unread = null;
        if (applied) taken = applied.taken;
        return applied ?? null;
      });
    },
    /** Whether it was the reading that failed, and not the store. */
    isReadError: (error: unknown) => error === unread,
    /** Makes the next look apply again when it wants one of the names. */
    forgetIfTaken(names: readonly string[]): boolean {
      const wants = taken.some((name) => names.includes(name));
      again ||= wants;
      return wants;
    },
  };
}

/** A source's own compiler, at work so that others go on. */
function createCompile({ source: { environment }, place }: Options) {
  const compiler = createCompiler();
  return ({ files }: SourceRead, signal: AbortSignal): Promise<Compilation> =>
    inSlices(compiler.compileInSlices({ files, place, environment }), signal);
}
