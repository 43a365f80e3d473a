import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBDataChunk, DuckDBInstance, type DuckDBValue } from '@duckdb/node-api';
import { youngCollector } from '../collector.ts';
import { engineFailure } from './failure.ts';
import { countScans, scannedRows } from './profile.ts';
import type { Column } from './relation.ts';
import { changedRows, preparedColumns, resultChunks, resultColumns } from './result.ts';
import { type Statement, statement } from './statement.ts';
import { quoteLiteral } from './text.ts';

/** Room for the engine's own buffers; with Node and its libraries a runner stays below 350 MB. */
const memoryLimit = '128MB';

/** One core is left to what reads and writes around the engine: on two, a load into Postgres beside it is a tenth faster so. */
const threads = Math.min(2, Math.max(1, availableParallelism() - 1));

/** One in-memory database for one task. Statements run one after another; every method throws `TaskFailure`. */
export interface Engine {
  /** How many statements a text has. Throws `TransformFailed` for a text that is no SQL. */
  countStatements(query: Statement): Promise<number>;
  /** Columns of a query without parameters, told without running it. */
  columnsOf(query: Statement): Promise<Column[]>;
  /** Runs a statement; returns how many rows it changed. */
  run(query: Statement): Promise<number>;
  rows(query: Statement): Promise<DuckDBValue[][]>;
  /**
   * Columns and rows while they are made. The engine runs ahead of the reader by a small buffer only. The rows end with
   * `BrokenStream` when making them failed.
   */
  stream(query: Statement): Promise<{ columns: Column[]; chunks: AsyncGenerator<DuckDBDataChunk> }>;
  /** How often the plan of a query reads a CSV file. */
  csvScans(query: Statement): Promise<number>;
  /** Rows that the last statement, which has ended, read from CSV files; null when it read none. */
  csvRows(): Promise<number | null>;
  /** Appends rows to a table of the schema `stored`. */
  append(table: string, columns: readonly Column[], rows: readonly (readonly DuckDBValue[])[]): Promise<void>;
  /** Ends the statement that is running, if any. It may still wait for its input: that must end as well. */
  interrupt(): void;
  /** Returns when the statement that was running has ended. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

export type EngineOptions = {
  /** An existing folder for spilled rows. Beside it, SQL may only touch `artifacts`; empty where there is no such folder. */
  scratch: string;
  artifacts: string;
  /** Further folders that SQL may touch. */
  others?: readonly string[];
  timeZone: string;
  signal: AbortSignal;
};

export async function createEngine(options: EngineOptions): Promise<Engine> {
  const profile = join(options.scratch, 'profile.json');
  const instance = await createInstance(options.scratch);
  const connection = await instance.connect();
  for (const setting of settings(options, profile)) await connection.run(setting);
  const { signal } = options;
  const collect = youngCollector();
  const interrupt = () => connection.interrupt();
  signal.addEventListener('abort', interrupt);

  let last: Promise<unknown> = Promise.resolve();
  const idle = async () => void (await last.catch(() => {}));

  async function attempt<T>(query: Statement, act: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    try {
      const result = act();
      last = result;
      return await result;
    } catch (error) {
      signal.throwIfAborted();
      throw engineFailure(error, query);
    }
  }

  const read = (query: Statement) => connection.runAndReadAll(query.sql, [...query.parameters]);
  return {
    countStatements: (query) => attempt(query, async () => (await connection.extractStatements(query.sql)).count),
    columnsOf: (query) => attempt(query, () => preparedColumns(connection, query.sql)),
    run: (query) => attempt(query, async () => changedRows(await read(query))),
    rows: (query) => attempt(query, async () => (await read(query)).getRows()),
    stream: (query) =>
      attempt(query, async () => {
        const result = await connection.stream(query.sql, [...query.parameters]);
        const fetch = () => attempt(query, () => result.fetchChunk());
        return { columns: resultColumns(result), chunks: resultChunks(result, fetch, collect) };
      }),
    csvScans: (query) =>
      attempt(query, async () => {
        const plan = await read(statement('explain (format json) ', query));
        return countScans(String(plan.getRows()[0]?.[1]));
      }),
    csvRows: async () => scannedRows(await readFile(profile, 'utf8').catch(() => '')),
    append: (table, columns, rows) => attempt(statement(), () => appendRows(connection, table, columns, rows)),
    interrupt,
    idle,
    async close() {
      signal.removeEventListener('abort', interrupt);
      // Nothing of the database may be freed while a thread works with it.
      interrupt();
      await idle();
      connection.closeSync();
      instance.closeSync();
    },
  };
}

function createInstance(scratch: string): Promise<DuckDBInstance> {
  return DuckDBInstance.create(':memory:', {
    threads: String(threads),
    memory_limit: memoryLimit,
    temp_directory: join(scratch, 'spill'),
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
  });
}

/** The last three shut the door behind them: from then on SQL reaches these folders and changes no setting. */
function settings({ scratch, artifacts, others = [], timeZone }: EngineOptions, profile: string): string[] {
  // To the engine an empty path is the working directory: that of the runner's own files.
  const folders = [scratch, artifacts, ...others]
    .filter((folder) => folder !== '')
    .map(quoteLiteral)
    .join(', ');
  return [
    `set TimeZone = ${quoteLiteral(timeZone)}`,
    // Rows read by a scan are only told by the profile. It costs nothing that could be measured.
    `set enable_profiling = 'json'`,
    `set profiling_output = ${quoteLiteral(profile)}`,
    `set custom_profiling_settings = '{"OPERATOR_CARDINALITY": "true", "OPERATOR_TYPE": "true"}'`,
    'create schema stored',
    'create schema shape',
    `set allowed_directories = [${folders}]`,
    'set enable_external_access = false',
    'set lock_configuration = true',
  ];
}

const rowsPerChunk = 2048;

async function appendRows(
  connection: DuckDBConnection,
  table: string,
  columns: readonly Column[],
  rows: readonly (readonly DuckDBValue[])[],
): Promise<void> {
  const appender = await connection.createAppender(table, 'stored');
  try {
    for (let from = 0; from < rows.length; from += rowsPerChunk) {
      const chunk = DuckDBDataChunk.create(columns.map(({ duckdbType }) => duckdbType));
      chunk.setRows(rows.slice(from, from + rowsPerChunk));
      appender.appendDataChunk(chunk);
    }
  } finally {
    appender.closeSync();
  }
}
