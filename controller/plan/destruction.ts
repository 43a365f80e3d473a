import type { CompiledBlock, CompiledPipeline } from '../../schemas/generated/types.ts';
import { someNames } from './names.ts';
import { type Tables, type TableWrite, writeOf, writesOf } from './tables.ts';

type Pipeline = CompiledPipeline;

/** What data may not survive, a sentence’s part each. `tables`: of the head. */
export function destruction(before: Pipeline | undefined, after: Pipeline | undefined, tables: Tables): string[] {
  return [
    ...(before && after ? changedBlocks(before, after) : []),
    ...(before ? abandoned(before, after, tables) : []),
    ...(after ? contested(before, after, tables) : []),
  ];
}

function changedBlocks(before: Pipeline, after: Pipeline): string[] {
  const old = new Map(before.bundle.blocks.map((block) => [block.name, block]));
  return after.bundle.blocks.flatMap((block) => {
    const was = old.get(block.name);
    return was ? [...changedTable(writeOf(was), writeOf(block)), ...changedColumns(was, block)] : [];
  });
}

function changedTable(was: TableWrite | undefined, is: TableWrite | undefined): string[] {
  if (!was || !is) return [];
  const block = `block "${is.block}"`;
  if (was.table !== is.table || was.connection !== is.connection) {
    return [
      `${block} writes table ${is.table} (${is.connection}) instead of ${was.table} (${was.connection}); what the old one holds stays there and grows old`,
    ];
  }
  if (was.mode !== is.mode) return [`${block} writes ${is.table} by ${is.mode} instead of ${was.mode}`];
  if (was.rest !== is.rest) return [`${block} marks its rows in ${is.table} by other columns (write.${is.mode})`];
  return [];
}

function changedColumns(was: CompiledBlock, is: CompiledBlock): string[] {
  const [old, now] = [columnsOf(was), columnsOf(is)];
  return Object.entries(old).flatMap(([column, type]) => {
    if (now[column] === undefined) {
      return Object.keys(now).length === 0 ? [] : [`block "${is.name}" no longer loads column "${column}"`];
    }
    if (now[column] === type) return [];
    return [`column "${column}" of block "${is.name}" becomes ${now[column]} instead of ${type}`];
  });
}

function columnsOf({ load }: CompiledBlock): Record<string, unknown> {
  const format = load?.format as Record<string, { columns?: Record<string, unknown> }> | undefined;
  return Object.assign({}, ...Object.values(format ?? {}).map((each) => each?.columns ?? {}));
}

/** Tables that it wrote, that nothing writes any more, and that somebody still reads. */
function abandoned(before: Pipeline, after: Pipeline | undefined, tables: Tables): string[] {
  const name = after?.name ?? '';
  return distinct(writesOf(before)).flatMap((write) => {
    const readers = tables.readers(write);
    if (tables.writers(write).length > 0 || readers.length === 0) return [];
    const others = readers.filter((reader) => reader !== name);
    return others.length === 0 ? [] : [`${read(others)} table ${write.table}, which nothing writes any more`];
  });
}

/** Tables that it did not write so before: it may take from others what they read or write. */
function contested(before: Pipeline | undefined, after: Pipeline, tables: Tables): string[] {
  const was = before ? writesOf(before) : [];
  return writesOf(after).flatMap((write) => {
    const others = (names: readonly string[]) => names.filter((name) => name !== after.name);
    const [writers, readers] = [others(tables.writers(write)), others(tables.readers(write))];
    const known = was.filter(({ connection, table }) => connection === write.connection && table === write.table);
    const isNew = known.length === 0 && writers.length > 0;
    const replaces = write.mode === 'replace' && !known.some(({ mode }) => mode === 'replace') && readers.length > 0;
    return [
      ...(isNew
        ? [
            `block "${write.block}" writes table ${write.table}, which ${someNames(writers, shown)} also write${s(writers)}`,
          ]
        : []),
      ...(replaces ? [`block "${write.block}" replaces table ${write.table}, which ${read(readers)}`] : []),
    ];
  });
}

function distinct(writes: readonly TableWrite[]): TableWrite[] {
  return [...new Map(writes.map((write) => [`${write.connection} ${write.table}`, write])).values()];
}

const shown = 10;
const s = (names: readonly string[]) => (names.length === 1 ? 's' : '');
const read = (names: readonly string[]) => `${someNames(names, shown)} read${s(names)}`;
