import type { DuckDBDataChunk, DuckDBValue } from '@duckdb/node-api';
import { TaskFailure } from '../errors.ts';
import type { LoadSource } from '../loads/load.ts';
import type { Engine } from './engine.ts';
import { type Named, selectAll, withTables } from './named.ts';
import { createReader } from './reader.ts';
import { type Fragment, type Statement, statement } from './statement.ts';
import { quoteIdentifier } from './text.ts';

/**
 * The relations of a task. A relation is a query until it is stored; a statement over it is put together of all queries
 * that lead to it, as common table expressions, which the engine runs in one pass.
 *
 * Beside each stands `shape.NAME`, an empty table with its columns: against these the SQL of later blocks is checked before
 * anything is read, with its inputs alone in sight. Every method throws `TaskFailure`.
 */
export interface Relations {
  get(name: string): Named;
  /** Adds rows that need no other relation. */
  add(name: string, source: Pick<LoadSource, 'columns' | 'query' | 'csv'>): Promise<void>;
  /** Adds the rows of SQL, which is checked against what it reads. */
  addSql(name: string, sql: Fragment, reads: readonly string[]): Promise<void>;
  /** Checks a query over `reads` without reading rows. */
  check(select: Statement, reads: readonly string[]): Promise<void>;
  /** Makes it a table; returns how many rows that has. */
  store(name: string): Promise<number>;
  /** From now on its rows are read by this query, which gives the same. */
  replace(name: string, query: string): void;
  /** The result of a query over `reads` that has few rows. */
  rows(select: Statement, reads: readonly string[]): Promise<DuckDBValue[][]>;
  /** Runs a statement that `wrap` makes around a query over `reads`; returns the rows it changed. */
  run(wrap: (select: Statement) => Statement, select: Statement, reads: readonly string[]): Promise<number>;
  /** The rows of a query over `reads`, while they are made. */
  stream(select: Statement, reads: readonly string[]): AsyncGenerator<DuckDBDataChunk, void>;
  /** Rows that were last read from it; null where that is not known. */
  rowsRead(name: string): number | null;
}

export function createRelations(engine: Engine): Relations {
  const known = new Map<string, Named>();
  const reader = createReader({ engine, known, store });

  function get(name: string): Named {
    const named = known.get(name);
    if (named) return named;
    throw new TaskFailure('InternalError', `no relation "${name}" is known to this task`);
  }

  async function remember(named: Named): Promise<void> {
    known.set(named.name, named);
    const columns = named.columns.map(({ name, type }) => `${quoteIdentifier(name)} ${type}`);
    await engine.run(statement(`create table shape.${quoteIdentifier(named.name)} (${columns.join(', ')})`));
  }

  async function store(name: string): Promise<number> {
    const table = quoteIdentifier(name);
    const create = (select: Statement) => statement(`create table stored.${table} as (`, select, ')');
    const rows = await reader.run(create, selectAll(name), [name]);
    replace(name, `from stored.${table}`);
    reader.rowsRead.set(name, rows);
    return rows;
  }

  function replace(name: string, query: string): void {
    known.set(name, { ...get(name), query: statement(query), reads: [], csv: null, isStored: true });
  }

  function overShapes(select: Statement, reads: readonly string[]): Statement {
    const tables = reads.map((name) => ({ name, query: statement(`from shape.${quoteIdentifier(name)}`) }));
    return withTables(tables, statement('select * from (', select, ') limit 0'));
  }

  return {
    get,
    store,
    replace,
    rows: reader.rows,
    run: reader.run,
    stream: reader.stream,
    rowsRead: (name) => reader.rowsRead.get(name) ?? null,
    add: (name, { columns, query, csv = null }) =>
      remember({ name, query: statement(query), reads: [], columns, csv, isStored: !csv?.feed }),
    async addSql(name, sql, reads) {
      const query = statement(sql);
      const { columns } = await engine.stream(overShapes(query, reads));
      await remember({ name, query, reads, columns, csv: null, isStored: false });
    },
    async check(select, reads) {
      await engine.rows(overShapes(select, reads));
    },
  };
}
