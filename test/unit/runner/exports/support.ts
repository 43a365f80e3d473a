import { DuckDBInstance } from '@duckdb/node-api';
import pg from 'pg';
import { afterAll, beforeAll } from 'vitest';
import { openPostgres, type PostgresConnection } from '../../../../runner/connections/postgres.ts';
import type { Relation } from '../../../../runner/engine/relation.ts';
import {
  exportPostgres,
  type PostgresExportOptions,
  type PostgresExportResult,
} from '../../../../runner/exports/postgres.ts';
import type { Export, TaskOrder } from '../../../../schemas/generated/types.ts';
import { createTestDatabase } from '../../../support/postgres.ts';

/** Rows of a DuckDB query, as a runner's engine hands them over. */
export async function relationOf(sql: string): Promise<Relation> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  await connection.run(`set timezone = 'UTC'`);
  const result = await connection.stream(sql);
  const columns = result.columnNames().map((name, index) => {
    const duckdbType = result.columnType(index);
    return { name, type: duckdbType.toString(), duckdbType };
  });
  return {
    block: 'rows',
    columns,
    async *chunks() {
      for await (const chunk of result) yield chunk;
      connection.closeSync();
      instance.closeSync();
    },
  };
}

export const january = {
  start: '2019-01-01T00:00:00.000Z',
  end: '2019-02-01T00:00:00.000Z',
  previousStart: '2018-12-01T00:00:00.000Z',
  previousEnd: '2019-01-01T00:00:00.000Z',
  label: '2019-01',
};

export const february = {
  start: '2019-02-01T00:00:00.000Z',
  end: '2019-03-01T00:00:00.000Z',
  previousStart: '2019-01-01T00:00:00.000Z',
  previousEnd: '2019-02-01T00:00:00.000Z',
  label: '2019-02',
};

type Claim = { runNo?: number; runId?: number; attempt?: number; ledgerId?: string; window?: TaskOrder['window'] };

export function orderOf({
  runNo = 1,
  runId = runNo,
  attempt = 1,
  ledgerId = 'ledger',
  window = january,
}: Claim = {}): TaskOrder {
  return {
    attemptId: `${runId}.warehouse.${attempt}`,
    ledgerId,
    pipeline: 'trips',
    run: { id: runId, name: `trips-${runId}`, runNo, trigger: 'manual' },
    task: 'warehouse',
    attempt,
    window,
    variables: {},
    bundle: { digest: '', path: '' },
    artifacts: '',
    timeoutMs: null,
    heartbeatMs: 10_000,
  };
}

export function connectTo(url: string, runName = 'trips-1'): PostgresConnection {
  const { hostname, port, pathname, username, password } = new URL(url);
  return openPostgres({
    name: 'warehouse',
    spec: {
      host: hostname,
      port: Number(port),
      database: pathname.slice(1),
      user: username,
      password: "{{ env_var('PASSWORD') }}",
    },
    scope: { variables: {}, window: null, timeZone: 'UTC' },
    environment: { PASSWORD: password },
    applicationName: `pipewright ${runName}`,
    signal: new AbortController().signal,
  });
}

export type TestExport = Partial<Omit<PostgresExportOptions, 'spec' | 'relation'>> &
  Claim & {
    table?: string;
    write?: Export['postgres']['write'];
    schemaChange?: 'error' | 'add';
    rows?: string;
    relation?: Relation;
  };

export type Warehouse = {
  url(): string;
  query<T extends pg.QueryResultRow = pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<T[]>;
  /** Exports as a task of its own would: with a connection of its own. Claims rise by themselves unless given. */
  export(options?: TestExport): Promise<PostgresExportResult>;
};

/** A database for the tests of a file. Timestamps come back as text. */
export function useWarehouse(): Warehouse {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let client: pg.Client;
  let runId = 1000;
  beforeAll(async () => {
    database = await createTestDatabase();
    client = new pg.Client({ connectionString: database.url, types: { getTypeParser: () => (text: string) => text } });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  return {
    url: () => database.url,
    query: async <T extends pg.QueryResultRow>(sql: string, values: unknown[] = []) =>
      (await client.query<T>(sql, values)).rows,
    async export({
      table = 'public.t',
      write = { mode: 'append' },
      schemaChange,
      rows = 'select 1 as n',
      ...options
    }: TestExport = {}) {
      runId += 1;
      const { runNo = 1, attempt = 1, ledgerId = 'ledger', window = january } = options;
      const connection = options.connection ?? connectTo(database.url);
      try {
        return await exportPostgres({
          block: 'warehouse',
          order: orderOf({ runNo, attempt, ledgerId, window, runId: options.runId ?? runId }),
          connection,
          timeZone: 'UTC',
          beforeCommit: async () => {},
          signal: new AbortController().signal,
          log: () => {},
          failpoint: () => {},
          ...options,
          relation: options.relation ?? (await relationOf(rows)),
          spec: { connection: 'warehouse', table, write, ...(schemaChange ? { schemaChange } : {}) },
        });
      } finally {
        if (!options.connection) await connection.close();
      }
    },
  };
}
