import type { DuckDBDataChunk, DuckDBValue } from '@duckdb/node-api';
import { TaskFailure } from '../errors.ts';
import { type Composed, type ComposerOptions, createComposer } from './composer.ts';
import { whileFed } from './feeding.ts';
import { BrokenStream } from './result.ts';
import { type Statement, statement } from './statement.ts';

/** Runs queries over relations, together with the feeds that bring what they read. */
export interface Reader {
  rows(select: Statement, reads: readonly string[]): Promise<DuckDBValue[][]>;
  run(wrap: (select: Statement) => Statement, select: Statement, reads: readonly string[]): Promise<number>;
  stream(select: Statement, reads: readonly string[]): AsyncGenerator<DuckDBDataChunk, void>;
  readonly rowsRead: Map<string, number>;
}

export function createReader(options: ComposerOptions): Reader {
  const { engine } = options;
  const compose = createComposer(options);
  const rowsRead = new Map<string, number>();

  /** The engine counts the rows of all files together, so only those of a single one are known. */
  async function note({ files }: Composed): Promise<void> {
    const [only, ...others] = files;
    const rows = only && others.length === 0 ? await engine.csvRows() : null;
    if (only && rows !== null) rowsRead.set(only.name, rows);
  }

  async function all<T>(composed: Composed, act: () => Promise<T>): Promise<T> {
    const results: T[] = [];
    const once = async function* () {
      yield await act();
      await note(composed);
    };
    for await (const result of whileFed(engine, composed.files, once)) results.push(result);
    return results[0] as T;
  }

  /** Runs the query once more in a way that tells its error, and keeps no rows. */
  async function whyBroken(composed: Composed): Promise<unknown> {
    try {
      await all(composed, () => engine.run(statement('explain analyze ', composed.query)));
      return new TaskFailure(
        'TransformFailed',
        'the engine failed in the middle of the rows, and not a second time; try again',
      );
    } catch (error) {
      return error;
    }
  }

  return {
    rowsRead,
    async rows(select, reads) {
      const composed = await compose(select, reads);
      return all(composed, () => engine.rows(composed.query));
    },
    async run(wrap, select, reads) {
      const composed = await compose(select, reads);
      return all(composed, () => engine.run(wrap(composed.query)));
    },
    async *stream(select, reads) {
      const composed = await compose(select, reads);
      try {
        yield* whileFed(engine, composed.files, async function* () {
          yield* (await engine.stream(composed.query)).chunks;
          await note(composed);
        });
      } catch (error) {
        throw error instanceof BrokenStream ? await whyBroken(composed) : error;
      }
    },
  };
}
