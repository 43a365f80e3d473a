import type { CompiledBlock, CompiledPipeline } from '../../schemas/generated/types.ts';

type Pipeline = CompiledPipeline;

/** A table that a block writes, with how. */
export type TableWrite = {
  readonly block: string;
  readonly connection: string;
  readonly table: string;
  readonly mode: string;
  /** All else that `write` says, to be compared. */
  readonly rest: string;
};

/** Who writes and who reads tables, among all pipelines of one side. */
export type Tables = {
  writers(write: Pick<TableWrite, 'connection' | 'table'>): readonly string[];
  readers(write: Pick<TableWrite, 'connection' | 'table'>): readonly string[];
};

export function writeOf({ name, export: target }: CompiledBlock): TableWrite | undefined {
  if (!target?.postgres) return undefined;
  const { connection, table, write } = target.postgres;
  const { mode, ...rest } = write;
  return { block: name, connection, table, mode, rest: JSON.stringify(rest) };
}

export function writesOf({ bundle }: Pipeline): TableWrite[] {
  return bundle.blocks.flatMap((block) => writeOf(block) ?? []);
}

/** Each SQL text is taken apart once: looking for every table in every text takes minutes where there are thousands of both. */
export function tablesOf(pipelines: readonly Pipeline[]): Tables {
  const writers = new Map<string, string[]>();
  const readers = new Map<string, string[]>();
  const add = (to: Map<string, string[]>, key: string, name: string) => {
    const names = to.get(key) ?? [];
    to.set(key, names);
    if (names.at(-1) !== name) names.push(name);
  };
  for (const pipeline of pipelines) {
    for (const write of writesOf(pipeline)) add(writers, keyOf(write.connection, write.table), pipeline.name);
    for (const { connection, text } of queriesOf(pipeline))
      for (const word of new Set(wordsOf(text))) add(readers, keyOf(connection, word), pipeline.name);
  }
  const look =
    (from: ReadonlyMap<string, readonly string[]>) =>
    ({ connection, table }: Pick<TableWrite, 'connection' | 'table'>) =>
      from.get(keyOf(connection, table)) ?? [];
  return { writers: look(writers), readers: look(readers) };
}

const keyOf = (connection: string, table: string) => `${connection} ${table.replaceAll('"', '').toLowerCase()}`;

function queriesOf({ bundle }: Pipeline): { connection: string; text: string }[] {
  return bundle.blocks.flatMap(({ load }) => {
    if (!load?.postgres) return [];
    const { connection, sql } = load.postgres;
    return [{ connection, text: typeof sql === 'string' ? sql : (bundle.files[sql.file] ?? '') }];
  });
}

/** What may be the name of a table: `schema.table`, also with each part in quotes. */
function wordsOf(text: string): string[] {
  return [...text.matchAll(/(?:[\p{L}\p{N}_$]+|"[^"]+")(?:\.(?:[\p{L}\p{N}_$]+|"[^"]+"))*/gu)].map(([word]) => word);
}
