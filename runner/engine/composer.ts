import type { Engine } from './engine.ts';
import type { CsvFile } from './feeding.ts';
import { type Named, upstream, withTables } from './named.ts';
import type { Statement } from './statement.ts';

/** A statement in which nothing is unnamed any more, and the CSV files that it reads. */
export type Composed = { readonly query: Statement; readonly files: readonly CsvFile[] };

export type ComposerOptions = {
  readonly engine: Engine;
  readonly known: ReadonlyMap<string, Named>;
  /** Makes a relation a table. */
  readonly store: (name: string) => Promise<unknown>;
};

/** Puts together what a query over the relations `reads` needs to run. */
export type Compose = (select: Statement, reads: readonly string[]) => Promise<Composed>;

export function createComposer({ engine, known, store }: ComposerOptions): Compose {
  function composed(select: Statement, reads: readonly string[]): Composed {
    const tables = upstream(reads, known);
    const files = tables.flatMap(({ name, csv }) => (csv ? [{ name, csv }] : []));
    return { query: withTables(tables, select), files };
  }

  /**
   * A feed brings its rows once. So a statement has at most one, and its plan reads that in exactly one place: whatever the
   * engine makes of SQL that names its input twice or never, a pipe must have one reader, not two, and not none.
   */
  async function settle(select: Statement, reads: readonly string[]): Promise<Composed> {
    const [first, ...others] = composed(select, reads).files.filter(({ csv }) => csv.feed);
    if (!first) return composed(select, reads);
    for (const { name } of others) await store(name);
    const result = composed(select, reads);
    if ((await engine.csvScans(result.query)) === result.files.length) return result;
    await store(first.name);
    return composed(select, reads);
  }

  return settle;
}
