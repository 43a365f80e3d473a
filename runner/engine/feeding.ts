import { inBlock } from '../errors.ts';
import type { CsvSource, RunningFeed } from '../loads/load.ts';
import type { Engine } from './engine.ts';

/** A CSV file that a statement reads, under the name of its block. */
export type CsvFile = { readonly name: string; readonly csv: CsvSource };

/**
 * Runs a statement while the feed of one of its files, if there is one, brings what it reads. What goes wrong with a file is told
 * before what the statement makes of it, which may be an error of its own, or nothing: it cannot tell an early end from the end.
 */
export async function* whileFed<T>(
  engine: Engine,
  files: readonly CsvFile[],
  act: () => AsyncGenerator<T, void>,
): AsyncGenerator<T, void> {
  const fed = files.find(({ csv }) => csv.feed);
  const running = fed && (await started(fed));
  let thrown: { error: unknown } | null = null;
  let failure: unknown = null;
  try {
    yield* act();
  } catch (error) {
    thrown = { error };
  } finally {
    // Whoever reads may leave before the end. The feed goes first: the statement may be waiting for it.
    failure = await running?.stop();
    await engine.idle();
  }
  if (fed && failure) throw inBlock(failure, fed.name);
  if (thrown) throw explained(files, thrown.error);
}

async function started({ name, csv }: CsvFile): Promise<RunningFeed | undefined> {
  try {
    return await csv.feed?.start();
  } catch (error) {
    throw inBlock(error, name);
  }
}

function explained(files: readonly CsvFile[], error: unknown): unknown {
  for (const { name, csv } of files) {
    const failure = csv.explain(error);
    if (failure) return inBlock(failure, name);
  }
  return error;
}
